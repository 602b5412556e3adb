// What goes into a bundle for a bug report, without secrets. Rather too much is left out than too little: a bundle goes to people one does not know.
import { concealSecrets, redactSecrets, redactText } from '@ursa/resources';

const mask = '[redacted]';
const credential = 'authorization|password|passwd|token|api[-_]?key|credential|private[-_]?key|cookie';
const credentialField = new RegExp(credential, 'i');
// `password: x`, `token = "x"`, `authorization: Bearer x`, in text that is quoted somewhere.
const assignment = new RegExp(
  `((?:${credential})[\\w-]*\\\\?["']?\\s*[:=]\\s*)(\\\\?"[^"\\n]*"|'[^'\\n]*'|(?:(?:bearer|basic)\\s+)?[^\\s"',;}\\]]+)`,
  'gi',
);
const urlPassword = /(\/\/[^/\s:@"']*:)[^/\s@"']+@/g;

/** JSON without secrets. `isSecret`: the resources themselves are secrets, whose content is left out whole. */
export function redactJson(value: unknown, isSecret = false): unknown {
  return masked(redactSecrets(concealSecrets(value)), isSecret);
}

/** Text without secrets, such as lines of a log. */
export function redactLines(text: string): string {
  return redactText(text)
    .replace(assignment, (_, name: string, value: string) => {
      // JSON has to stay JSON.
      const [quote = ''] = /^\\?["']/.exec(value) ?? [];
      return `${name}${quote}${mask}${quote}`;
    })
    .replace(urlPassword, `$1${mask}@`);
}

function masked(value: unknown, isSecret: boolean): unknown {
  if (typeof value === 'string') return redactLines(value);
  if (Array.isArray(value)) return value.map((item) => masked(item, isSecret));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([field, content]) => {
      const hides = typeof content === 'string' && (credentialField.test(field) || (isSecret && field === 'data'));
      return [field, hides && content !== '' ? mask : masked(content, isSecret)];
    }),
  );
}
