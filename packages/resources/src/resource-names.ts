// What resources, meshes and labels may be called. The texts are those of the peers, which clients compare.

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const olderName = /^[0-9a-z-_.]*$/;
const maximumNameLength = 253;

/** What is wrong with a resource's name; undefined when it is fine. Names are RFC 1123 subdomains of at most 253 characters. */
export function nameProblem(name: string): string | undefined {
  return (
    lengthProblem(name) ??
    (subdomain.test(name)
      ? undefined
      : "invalid characters. A lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', " +
        'and must start and end with an alphanumeric character')
  );
}

/** What is wrong with the mesh that a resource names; undefined when it is fine. Meshes of older peers may have `_` in their name. */
export function meshNameProblem(mesh: string): string | undefined {
  return (
    lengthProblem(mesh) ??
    (olderName.test(mesh)
      ? undefined
      : "invalid characters. Valid characters are numbers, lowercase latin letters and '-', '_', '.' symbols.")
  );
}

function lengthProblem(name: string): string | undefined {
  if (name === '') return 'cannot be empty';
  return name.length > maximumNameLength ? `value length must less or equal ${maximumNameLength}` : undefined;
}

const label = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const maximumLabelLength = 63;

/** What keeps a name from being a DNS label (RFC 1035, at most 63 characters); empty when it is one. */
export function dnsLabelProblems(name: string): readonly string[] {
  const problems: string[] = [];
  if (name.length > maximumLabelLength) problems.push(`must be no more than ${maximumLabelLength} characters`);
  if (!label.test(name)) {
    problems.push(
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end " +
        "with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
    );
  }
  return problems;
}

const namePart = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const namePartText =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  " +
  "or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/** What is wrong with a label's key: an optional DNS prefix and a slash, then a name of at most 63 characters. */
export function labelKeyProblems(key: string): readonly string[] {
  const slash = key.indexOf('/');
  if (key.indexOf('/', slash + 1) > slash && slash >= 0) {
    return [
      `a valid label key ${namePartText} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const name = slash < 0 ? key : key.slice(slash + 1);
  const problems: string[] = [];
  if (prefix === '') problems.push('prefix part must be non-empty');
  else if (prefix !== undefined && (prefix.length > maximumNameLength || !subdomain.test(prefix))) {
    problems.push(`prefix part ${subdomainText}`);
  }
  if (name === '') problems.push('name part must be non-empty');
  if (name.length > maximumLabelLength)
    problems.push(`name part must be no more than ${maximumLabelLength} characters`);
  if (!namePart.test(name)) problems.push(`name part ${namePartText}`);
  return problems;
}

const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an " +
  "alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/** What is wrong with a label's value: empty, or at most 63 characters of letters, digits, `-`, `_`, `.`. */
export function labelValueProblems(value: string): readonly string[] {
  const problems: string[] = [];
  if (value.length > maximumLabelLength) problems.push(`must be no more than ${maximumLabelLength} characters`);
  if (value !== '' && !namePart.test(value)) {
    problems.push(
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
        "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
        "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    );
  }
  return problems;
}
