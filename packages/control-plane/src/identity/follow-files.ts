// Sees that files change: certificates, and folders of authorities.
import { type Stats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

// By looking: that also sees files that are reached over links, as those of ACME clients are, and those on file systems that tell of nothing.
// A renewal has weeks: an idle process is not to be woken for it every second.
const lookEvery = 5000;
/** Certificate and key are two files: whoever replaces them needs a moment. */
const settleFor = 200;
/** Of a file that is not there, or out of reach. */
const gone = '';

/**
 * Calls back a moment after one of the files has changed. Not by `fs.watchFile`: on the executables' runtime one timer looks at all files of a process,
 * and a change is seen after two intervals where following began a moment after it.
 */
export function followFiles(files: readonly string[], onChange: () => void): { stop(): void } {
  let settling: NodeJS.Timeout | undefined;
  let seen = files.map(stateAtOnce).join('\n');
  let looking = false;
  let stopped = false;
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    const states = await Promise.all(files.map((file) => stat(file).then(stateOf, () => gone)));
    looking = false;
    const now = states.join('\n');
    if (stopped || now === seen) return;
    seen = now;
    clearTimeout(settling);
    settling = setTimeout(onChange, settleFor).unref();
  };
  const timer = setInterval(() => void look(), lookEvery).unref();
  return {
    stop() {
      stopped = true;
      clearInterval(timer);
      clearTimeout(settling);
    },
  };
}

function stateOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [dev, ino, size, mtimeMs, ctimeMs].join(' ');
}

/** What comes between now and the first look has to be seen. */
function stateAtOnce(file: string): string {
  try {
    return stateOf(statSync(file));
  } catch {
    return gone;
  }
}
