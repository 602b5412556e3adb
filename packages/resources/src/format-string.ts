// Whether a text is a format as Envoy takes it: plain text with commands between percent signs, in access logs and in values of headers.
import { argumentChecks, type CommandForm, formatCommands } from './format-commands.ts';

/** A command at the start of a text: its name, what stands in parentheses, and how many characters of the result count. */
const commandPattern = /^%([A-Z0-9_]+)(?:\((.*?)\))?(?::([0-9]+))?%/;
const lengthsEnd = 2n ** 64n;
const longestShown = 60;

/** What is wrong with a format, in words that follow its field; undefined when Envoy takes it. */
export function describeFormatError(format: string): string | undefined {
  let position = format.indexOf('%');
  while (position !== -1) {
    const rest = format.slice(position);
    const escaped = rest.startsWith('%%');
    const [whole = '', name = '', argument = '', length] = escaped ? ['%%'] : (commandPattern.exec(rest) ?? []);
    if (whole === '') {
      const shown = JSON.stringify(rest.slice(0, longestShown));
      return `has no command of Envoy's at ${shown}: commands are written like %PROTOCOL% or %REQ(x-header)%, a percent sign as %%`;
    }
    const problem = escaped ? undefined : commandProblem(name, argument, length);
    if (problem !== undefined) return `cannot have ${whole.slice(0, longestShown)}: ${problem}`;
    position = format.indexOf('%', position + whole.length);
  }
  return undefined;
}

const needsArgument: ReadonlySet<CommandForm> = new Set(['has an argument', 'has an argument, may have a length']);
const takesLength: ReadonlySet<CommandForm> = new Set([
  'may have an argument and a length',
  'has an argument, may have a length',
]);

function commandProblem(name: string, argument: string, length: string | undefined): string | undefined {
  const form = formatCommands.get(name);
  if (form === undefined) return `${name} is no command of Envoy's (a percent sign is written as %%)`;
  if (argument === '' && needsArgument.has(form)) return `${name} needs something in parentheses`;
  if (argument !== '' && form === 'alone') return `${name} has no parentheses`;
  if (length !== undefined && !takesLength.has(form)) return `${name} has no length`;
  if (length !== undefined && BigInt(length) >= lengthsEnd) return 'the length is too large';
  return name === 'COALESCE' ? coalesceProblem(argument) : argumentChecks.get(name)?.(argument);
}

/** `{"operators": ["TRACE_ID", {"command": "REQ", "param": "x-request-id", "max_length": 8}]}` */
function coalesceProblem(argument: string): string | undefined {
  const { operators } = (parseObject(argument) ?? {}) as { readonly operators?: unknown };
  if (!Array.isArray(operators) || operators.length === 0)
    return 'it holds JSON with a list of operators, which must not be empty';
  for (const operator of operators) {
    const {
      command,
      param,
      max_length: length,
    } = (typeof operator === 'string' ? { command: operator } : (operator ?? {})) as {
      readonly [key in 'command' | 'param' | 'max_length']?: unknown;
    };
    if (typeof command !== 'string')
      return 'each operator is the name of a command, or an object that has one as its command';
    const problem = commandProblem(
      command,
      typeof param === 'string' ? param : '',
      length === undefined ? undefined : '1',
    );
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
