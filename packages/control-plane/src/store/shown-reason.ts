// Why the store fails, as it may be shown: drivers and libraries put addresses with passwords into what they say.

const longest = 500;

/** The reason on one line, without credentials. */
export function shownReason(reason: string): string {
  return reason
    .replaceAll(/\b([a-z][a-z\d+.-]*:\/\/)[^\s/@]*@/gi, '$1*****@')
    .replaceAll(/\b(pass(?:word|wd)?|secret|token)(\s*[=:]\s*)("[^"]*"|'[^']*'|\S+)/gi, '$1$2*****')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, longest);
}
