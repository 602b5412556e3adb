// Endpoints that say what this control plane is and what it knows: /, /_resources, /policies, /config, /who-am-i.
import { type ResourceType, redactText } from '@ursa/resources';
import { Type } from 'typebox';
import type { AccessControl } from '../identity/access-control.ts';
import { formatJson } from './http/json-text.ts';
import type { Answer, Call, Route } from './http/route.ts';
import type { ResourceReader } from './resources/reader.ts';
import type { WriteGuard } from './resources/write-guard.ts';

/** What the control plane says of itself. */
export interface ControlPlaneFacts {
  readonly hostname: string;
  readonly version: string;
  readonly instanceId: string;
  /** Same for all instances of a cluster; '' while it is not known. */
  clusterId(): string;
  /** Where the GUI is; '' when it is not served. */
  readonly gui: string;
}

/** What these endpoints need. */
export interface DiscoveryOptions {
  readonly reader: ResourceReader;
  readonly guard: WriteGuard;
  readonly access: Pick<AccessControl, 'requireServer'>;
  readonly facts: ControlPlaneFacts;
  /** All settings as JSON, secrets masked. */
  readonly config: () => unknown;
  /** The newest lines of the log. */
  readonly logTail: () => readonly string[];
}

/**
 * Name of the product in `/`. The peer's kumactl refuses to work with a control plane that has another, and ours speaks the same API.
 */
const product = 'Kuma';

/** The discovery endpoints. */
export function discoveryRoutes(options: DiscoveryOptions): readonly Route[] {
  const { reader, guard, facts } = options;
  const types = reader.types.all.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  return [
    get('/', 'What this control plane is', indexSchema, () => ({
      hostname: facts.hostname,
      product,
      version: facts.version,
      instanceId: facts.instanceId,
      clusterId: facts.clusterId(),
      gui: facts.gui,
    })),
    get(
      '/_resources',
      'The registered resource types',
      Type.Object({ resources: Type.Array(Type.Object({ name: Type.String() })) }),
      () => ({
        resources: types.map((type) => describeType(type, guard)),
      }),
    ),
    get(
      '/policies',
      'The registered policies',
      Type.Object({ policies: Type.Array(Type.Object({ name: Type.String() })) }),
      () => ({
        policies: types.flatMap((type) => describePolicy(type, guard)),
      }),
    ),
    get('/config', 'The settings in use, secrets masked', Type.Object({}), (call) => {
      options.access.requireServer(call.user, 'settings');
      return options.config();
    }),
    {
      method: 'GET',
      path: '/_log',
      tag: 'Discovery',
      summary: 'The newest lines of this instance’s log, secrets redacted',
      answers: { 200: Type.String() },
      handle(call) {
        options.access.requireServer(call.user, 'log');
        return { status: 200, contentType: 'application/x-ndjson', body: options.logTail().map(redactText).join('') };
      },
    },
    get('/who-am-i', 'Who the caller is taken for', userSchema, ({ user }) => ({
      name: user.name,
      groups: user.groups,
    })),
  ];
}

const indexSchema = Type.Object({
  hostname: Type.String(),
  product: Type.String(),
  version: Type.String(),
  instanceId: Type.String(),
  clusterId: Type.String(),
  gui: Type.String(),
});

const userSchema = Type.Object({ name: Type.String(), groups: Type.Array(Type.String()) });

function get(path: string, summary: string, schema: Route['answers'][number], body: (call: Call) => unknown): Route {
  const handle = (call: Call): Answer => ({ status: 200, body: formatJson(body(call)) });
  return { method: 'GET', path, tag: 'Discovery', summary, answers: { 200: schema }, handle };
}

function describeType(type: ResourceType, guard: WriteGuard): unknown {
  return {
    includeInFederation: type.includeInFederation,
    name: type.name,
    path: type.path,
    pluralDisplayName: type.pluralDisplayName,
    ...(type.policy === undefined ? {} : { policy: type.policy }),
    readOnly: guard.isReadOnly(type),
    scope: type.scope,
    shortName: type.shortName,
    singularDisplayName: type.singularDisplayName,
  };
}

function describePolicy(type: ResourceType, guard: WriteGuard): readonly unknown[] {
  const { policy } = type;
  if (policy === undefined) return [];
  return [
    {
      name: type.name,
      readOnly: guard.isReadOnly(type),
      path: type.path,
      singularDisplayName: type.singularDisplayName,
      pluralDisplayName: type.pluralDisplayName,
      isExperimental: false,
      isTargetRefBased: policy.isTargetRef,
      isInbound: policy.hasFromTargetRef,
      isOutbound: policy.hasToTargetRef,
    },
  ];
}
