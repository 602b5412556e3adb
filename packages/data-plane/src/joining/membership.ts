// What joining gave: who this proxy is, the token that proves it, and whom it trusts. Kept on the disk, because a code is good only once.
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { homeFolder, MeshError } from '@ursa/resources';
import { writePrivate } from '../private-file.ts';

/** A membership. */
export interface Membership {
  /** URLs of the control plane, with commas between. */
  readonly controlPlaneUrl: string;
  /** PEM of its authority. */
  readonly authority: string;
  readonly mesh: string;
  readonly service: string;
  readonly name: string;
  readonly token: string;
}

/** One that is kept. */
export interface KeptMembership extends Membership {
  /** Id of the code that it came from. */
  readonly code: string;
  /** Files with the token and the authority. */
  readonly tokenPath: string;
  readonly authorityPath: string;
}

const fileName = 'membership.json';

/** The folder for the application at a port: a host has one at each. */
export function membershipFolder(stateDir: string, environment: NodeJS.ProcessEnv, port: number): string {
  const folder = stateDir === '' ? join(homeFolder(environment, homedir), '.kuma', 'proxies') : stateDir;
  return join(folder, String(port));
}

/** Keeps it, readable for this user only. Errors: `MeshError('unavailable')` when the folder cannot be written. */
export function keepMembership(folder: string, membership: Membership & { readonly code: string }): KeptMembership {
  const { token, authority, ...rest } = membership;
  try {
    const kept = {
      tokenPath: writePrivate(folder, 'token', token),
      authorityPath: writePrivate(folder, 'ca.crt', authority),
    };
    // Last, and in one step: whoever finds this file finds the others too.
    renameSync(
      writePrivate(folder, `${fileName}.new`, `${JSON.stringify(rest, undefined, 2)}\n`),
      join(folder, fileName),
    );
    return { ...membership, ...kept };
  } catch (cause) {
    throw cannotWrite(folder, cause);
  }
}

/** Throws when the folder could not be written later, when the code is spent. */
export function checkWritable(folder: string): void {
  try {
    writePrivate(folder, `${fileName}.new`, '');
  } catch (cause) {
    throw cannotWrite(folder, cause);
  }
}

/** What was kept; undefined when nothing was. Errors: `MeshError('invalid')` when it cannot be read. */
export function readMembership(folder: string): KeptMembership | undefined {
  const path = join(folder, fileName);
  if (!existsSync(path)) return undefined;
  const tokenPath = join(folder, 'token');
  const authorityPath = join(folder, 'ca.crt');
  try {
    const facts = JSON.parse(readFileSync(path, 'utf8')) as Omit<Membership, 'token' | 'authority'> & { code: string };
    const token = readFileSync(tokenPath, 'utf8');
    const authority = readFileSync(authorityPath, 'utf8');
    return { ...facts, token, authority, tokenPath, authorityPath };
  } catch (cause) {
    throw new MeshError(
      'invalid',
      `${folder} cannot be read: ${(cause as Error).message}; remove it and join again with a new code`,
      { cause },
    );
  }
}

function cannotWrite(folder: string, cause: unknown): MeshError {
  return new MeshError(
    'unavailable',
    `--state-dir: ${folder} cannot be written: ${(cause as Error).message}; give a folder that can`,
    { cause },
  );
}
