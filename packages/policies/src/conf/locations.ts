// Texts in confs that name a place: files, hosts and URLs. What is taken is what the peers take.

/** True for a path from the root, of Unix or of Windows. */
export function isFilePath(text: string): boolean {
  return /^(?:\/|[a-zA-Z]:\\)[^\0]*$/.test(text);
}

const location =
  /^(https?:\/\/)?(\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9_.-]*[a-zA-Z0-9.])?)(:\d{1,5})?(?:[/?#]\S*)?$/;

// RFC 1035, section 2.3.4, and the dot that may stand at the end.
const longestHost = 254;

function readLocation(text: string) {
  const [, scheme, host = '', port] = location.exec(text) ?? [];
  const isThere = host !== '' && host.length <= longestHost && isPort(port?.slice(1));
  return isThere ? { scheme, host, port } : undefined;
}

/** True for a port that can be connected to, and for none. */
export function isPort(text: string | undefined): boolean {
  return text === undefined || (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535);
}

/** True for a host with or without a port. A name of one part needs the port: alone it may be anything. */
export function isHostAddress(text: string): boolean {
  const found = readLocation(text);
  return found !== undefined && found.scheme === undefined && (found.port !== undefined || /[.[]/.test(found.host));
}

/** True for a URL, and for a host address. */
export function isUrl(text: string): boolean {
  return isHostAddress(text.replace(/^https?:\/\//, '')) || readLocation(text)?.scheme !== undefined;
}
