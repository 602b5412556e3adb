// Texts in confs that name a place: files, hosts and URLs. What is taken is what the peers take.

/** True for a path from the root, of Unix or of Windows. */
export function isFilePath(text: string): boolean {
  return /^(?:\/|[a-zA-Z]:\\)[^\0]*$/.test(text);
}

const location =
  /^(https?:\/\/)?(\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9_.-]*[a-zA-Z0-9.])?)(:\d{1,5})?(?:[/?#]\S*)?$/;

/** True for a host with or without a port. A name of one part needs the port: alone it may be anything. */
export function isHostAddress(text: string): boolean {
  const [, scheme, host = '', port] = location.exec(text) ?? [];
  return host !== '' && scheme === undefined && (port !== undefined || /[.[]/.test(host));
}

/** True for a URL, and for a host address. */
export function isUrl(text: string): boolean {
  return isHostAddress(text.replace(/^https?:\/\//, '')) || (/^https?:\/\//.test(text) && location.test(text));
}
