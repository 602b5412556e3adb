// JSON and text without what must not be told: what Envoys say of their configuration, logs, bundles for bug reports. Envoy leaves out private keys
// by itself, but not the token with which the proxy comes to the control plane, nor credentials that it was given as headers.

const redacted = '[redacted]';
const redactedBytes = btoa(redacted);

/** Headers and metadata that carry credentials. */
const credentialNames = /^(proxy-)?authorization$|^cookie$|token|api-?key|secret|password/i;
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(-----END [A-Z ]*PRIVATE KEY-----)?/g;
const webToken = /\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*/g;
// A PEM block in base64, as bytes are printed: `-----BEGIN` at the start of a text.
const encodedPem = /^LS0tLS1CRUdJTi[A-Za-z0-9+/=]+$/;

/** Fields of Envoy's API that hold a secret, be it text or a data source. */
const secretFields: ReadonlySet<string> = new Set([
  'private_key',
  'password',
  'session_ticket_keys',
  'token_secret',
  'hmac_secret',
]);

/** The same JSON, with every credential replaced by `[redacted]`. */
export function redactSecrets(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) return value.map(redactSecrets);
  if (!isObject(value)) return value;
  const { key, name } = value;
  const isCredential =
    [key, name].some((text) => typeof text === 'string' && credentialNames.test(text)) &&
    typeof value.value === 'string';
  return Object.fromEntries(
    Object.entries(value).map(([field, content]) => {
      if (isCredential && field === 'value') return [field, redacted];
      return [field, secretFields.has(field) ? concealed(content) : redactSecrets(content)];
    }),
  );
}

/** A data source keeps the name of its file; its bytes are still base64 afterwards. */
function concealed(content: unknown, inner = ''): unknown {
  if (typeof content === 'string') return inner === 'inline_bytes' ? redactedBytes : redacted;
  if (Array.isArray(content)) return content.map((item) => concealed(item));
  if (!isObject(content)) return content;
  return Object.fromEntries(
    Object.entries(content).map(([field, value]) => [
      field,
      field === 'filename' || field === 'environment_variable' ? value : concealed(value, field),
    ]),
  );
}

/** A text, with private keys in PEM and web tokens replaced by `[redacted]`. */
export function redactText(text: string): string {
  if (encodedPem.test(text) && decoded(text).includes('PRIVATE KEY')) return redacted;
  return text.replace(privateKey, redacted).replace(webToken, redacted);
}

function decoded(base64: string): string {
  try {
    return atob(base64);
  } catch {
    return '';
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
