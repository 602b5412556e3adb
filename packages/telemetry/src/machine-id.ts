// Which machine a program runs on: the same for all programs and containers over one kernel, and another one after each boot (decision 0242).
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const bootId = '/proc/sys/kernel/random/boot_id';

/**
 * The id of this machine, of no use for anything but to be compared: 32 hexadecimal digits. `named` is what a setting says; '' for what the kernel says. '' when
 * nobody says it.
 */
export function readMachineId(named: string, file: string = bootId): string {
  const text = named === '' ? read(file) : named;
  return text === '' ? '' : createHash('sha256').update(`ursa machine ${text}`).digest('hex').slice(0, 32);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
