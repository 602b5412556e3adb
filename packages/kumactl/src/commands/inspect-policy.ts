// `kumactl inspect POLICY NAME` and `kumactl inspect meshgateway NAME`: which data plane proxies a policy or a gateway concerns.
import type { Command } from 'commander';
import { type OutputFormat, outputOption } from '../flags.ts';
import { field, listOf } from '../json-fields.ts';
import { resourcePath } from '../resource-paths.ts';
import type { Session } from '../session.ts';
import { formatTable } from '../table.ts';
import { type KnownType, typeHandles } from '../type-handles.ts';
import { getWholeList } from '../whole-list.ts';
import { formatYaml } from '../yaml-output.ts';

/** Adds a command for each policy type and one for gateways; they are left out of the help of `inspect`, which names them in one line. */
export function addInspectPolicy(inspect: Command, session: () => Session): void {
  const types = typeHandles.all;
  for (const type of types.filter((candidate) => candidate.policy !== undefined)) {
    addOne(inspect, session, type, 'data plane proxies to which it applies', formatAffected).option(
      '--new-api',
      'accepted for scripts: types with targetRef are always asked for in the newer way',
      false,
    );
  }
  const gateway = types.find((type) => type.name === 'MeshGateway');
  if (gateway !== undefined) addOne(inspect, session, gateway, 'data plane proxies that serve it', formatNames);
  inspect.addHelpText(
    'after',
    '\nAlso: inspect <policy> <name> (such as inspect meshtimeout slow) and inspect meshgateway <name> show the proxies concerned.',
  );
}

function addOne(
  inspect: Command,
  session: () => Session,
  type: KnownType,
  what: string,
  format: (answer: unknown) => string,
): Command {
  const names = commandNames(type);
  return inspect
    .command(names[0] ?? type.path, { hidden: true })
    .aliases(names.slice(1))
    .description(`Show the ${what}`)
    .argument('<name>', `name of the ${type.name}`)
    .addOption(outputOption())
    .action(async (name: string, { output }: { readonly output: OutputFormat }) => {
      const current = session();
      const asked = type.policy === 'targetRef' ? '_resources/dataplanes' : 'dataplanes';
      const path = `${resourcePath(type, current.mesh, name)}/${asked}`;
      const answer = await getWholeList(current.client(), path);
      if (output === 'json') return current.terminal.print(`${JSON.stringify(answer, null, 2)}\n`);
      if (output === 'yaml') return current.terminal.print(formatYaml(answer));
      const condition = type.policy === 'targetRef' ? await conditionText(current, type, name) : '';
      current.terminal.print(format(answer) + condition);
      // Scripts read the older tables as the peer prints them.
      current.terminal.printError(await idleText(current, type, name));
    });
}

/** Why an older policy or a gateway has no effect; '' when it has one. */
async function idleText(current: Session, type: KnownType, name: string): Promise<string> {
  if (type.idle === undefined) return '';
  const { when, advice } = type.idle;
  if (when === 'not-yet') return `${type.name} ${name} has no effect yet; ${advice}\n`;
  if (when === 'always')
    return `${type.name} ${name} has no effect: proxies do not follow policies of this kind; ${advice}\n`;
  if (when === 'exclusive') {
    if (!(await isExclusive(current))) return '';
    return `${type.name} ${name} has no effect while meshServices.mode of the mesh ${current.mesh} is Exclusive: it speaks of services by their tag, and calls go to MeshServices; ${advice}\n`;
  }
  if (await hasIdentities(current)) return '';
  return `${type.name} ${name} has no effect while the mesh ${current.mesh} has no mTLS: every client gets through; ${advice}\n`;
}

/** Whether all services of the mesh are resources; false where that cannot be told. */
async function isExclusive({ client, mesh }: Session): Promise<boolean> {
  try {
    return field(await client().get(`/meshes/${mesh}`), 'meshServices', 'mode') === 'Exclusive';
  } catch {
    return false;
  }
}

/** Whether proxies of the mesh have certificates; true where that cannot be told. */
async function hasIdentities({ client, mesh }: Session): Promise<boolean> {
  try {
    const backend = field(await client().get(`/meshes/${mesh}`), 'mtls', 'enabledBackend') ?? '';
    if (backend !== '') return true;
    return listOf(await client().get(`/meshes/${mesh}/meshidentities?size=1`), 'items').length > 0;
  } catch {
    return true;
  }
}

/** Why a policy is not in force everywhere; '' when it is. */
async function conditionText(current: Session, type: KnownType, name: string): Promise<string> {
  // What was asked for has been answered; a policy that was deleted since then is no reason to keep it back.
  const policy = await current
    .client()
    .get(resourcePath(type, current.mesh, name))
    .catch(() => undefined);
  const conditions = listOf(field(policy, 'status'), 'conditions').filter(
    (condition) => field(condition, 'status') === 'False',
  );
  return conditions
    .map((condition) => {
      const names = listOf(field(condition, 'proxies'), 'names').join(', ');
      const total = field(condition, 'proxies', 'total');
      const head = `\n${field(condition, 'type')}: False (${field(condition, 'reason')}) since ${field(condition, 'lastTransitionTime')}`;
      return `${head}\nProxies (${total}): ${names}\n${field(condition, 'message')}\n`;
    })
    .join('');
}

/** Singular first; the older types are hyphenated. */
function commandNames(type: KnownType): readonly string[] {
  const singular = type.path.endsWith('ies') ? `${type.path.slice(0, -3)}y` : type.path.replace(/s$/, '');
  return [...new Set([singular, type.name.toLowerCase(), ...(type.shortName === '' ? [] : [type.shortName])])];
}

function formatNames(answer: unknown): string {
  return listOf(answer, 'items')
    .map((item) => `${field(item, 'dataplane', 'name')}\n`)
    .join('');
}

function formatAffected(answer: unknown): string {
  const items = listOf(answer, 'items');
  return items.some((item) => field(item, 'dataplane') !== undefined)
    ? formatAttachments(items)
    : formatReferences(items);
}

/** What newer control planes answer: references. */
function formatReferences(items: readonly unknown[]): string {
  const rows = items.map((item) => ['type', 'mesh', 'name'].map((name) => String(field(item, name) ?? '')));
  return `${formatTable(['Type', 'Mesh', 'Name'], rows)}\nTotal: ${items.length}\n`;
}

/** A service is its own name; inbounds and outbounds say which service they are of. */
function formatPlace(place: unknown): string {
  const [type, name, service] = ['type', 'name', 'service'].map((key) => field(place, key));
  return type === 'service' ? `service ${name}` : `${type} ${name}(${service})`;
}

/** What is answered for older policy types: proxies, and where in the proxy the policy is attached. */
function formatAttachments(items: readonly unknown[]): string {
  const proxies = items.map((item) => {
    const name = field(item, 'dataplane', 'name');
    const places = listOf(item, 'attachments')
      .filter((attachment) => field(attachment, 'type') !== 'dataplane')
      .map((place) => `    ${formatPlace(place)}\n`);
    return places.length === 0 ? `  ${name}\n` : `  ${name}:\n${places.join('')}\n`;
  });
  return `Affected data plane proxies:\n\n${proxies.join('')}`;
}
