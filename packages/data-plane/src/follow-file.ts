// Follows the text of a file. By looking: that also sees a file that is reached over links, as mounted secrets are.
import { readFileSync, unwatchFile, watchFile } from 'node:fs';

const lookEvery = 1000;
/** Whoever writes the file in place needs a moment. */
const settleFor = 100;

/** Calls back with the new text a moment after it has changed. A file that is gone, or cannot be read, changes nothing. */
export function followFile(path: string, onChange: (text: string) => void): { stop(): void } {
  let settling: NodeJS.Timeout | undefined;
  const read = (): void => {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch {
      return;
    }
    onChange(text);
  };
  const changed = (): void => {
    clearTimeout(settling);
    settling = setTimeout(read, settleFor).unref();
  };
  watchFile(path, { interval: lookEvery, persistent: false }, changed);
  return {
    stop() {
      clearTimeout(settling);
      unwatchFile(path, changed);
    },
  };
}
