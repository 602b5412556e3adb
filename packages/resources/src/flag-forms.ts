// The forms of flags that programs written in Go take and users' scripts have, brought to the one form that the programs' own library reads.

const trueWord = /^(1|t|true)$/i;
const falseWord = /^(0|f|false)$/i;

/**
 * The command line with `-o=json` as `-ojson`, and a switch with its value (`--gateway=true`, `--gateway=false`) as the switch alone, or left out.
 *
 * `switches` are the flags without a value, as they are written (`--gateway`, `-a`). Nothing behind `--` is touched; a switch with another value
 * stays as it is, so that the program refuses it.
 */
export function plainFlags(args: readonly string[], switches: ReadonlySet<string>): readonly string[] {
  const end = args.indexOf('--');
  const flags = end < 0 ? args : args.slice(0, end);
  return [...flags.flatMap((word) => plainFlag(word, switches)), ...args.slice(flags.length)];
}

function plainFlag(word: string, switches: ReadonlySet<string>): readonly string[] {
  const [, flag = '', value = ''] = /^(-[A-Za-z]|--[a-z][a-z0-9-]*)=(.*)$/s.exec(word) ?? [];
  if (switches.has(flag) && trueWord.test(value)) return [flag];
  if (switches.has(flag) && falseWord.test(value)) return [];
  return flag.length === 2 && value !== '' && !switches.has(flag) ? [flag + value] : [word];
}
