// `kumactl config`: the control planes that kumactl knows, and which one is active.

import { MeshError } from '@ursa/resources';
import { type Command, Option } from 'commander';
import { openApiClient } from '../api-client.ts';
import { type ApiServerCoordinates, type Configuration, configurationDocument } from '../config-file.ts';
import { withoutPassword } from '../connection-error.ts';
import { collectTexts, type Pair, pairOf } from '../flags.ts';
import { field } from '../json-fields.ts';
import type { Session } from '../session.ts';
import { formatTable } from '../table.ts';
import { formatYaml } from '../yaml-output.ts';

interface AddFlags {
  readonly name: string;
  readonly address: string;
  readonly authType?: string;
  readonly authConf: readonly string[];
  readonly caCertFile?: string;
  readonly clientCertFile?: string;
  readonly clientKeyFile?: string;
  readonly headers: readonly string[];
  readonly overwrite: boolean;
  readonly skipCheck: boolean;
  readonly skipVerify: boolean;
}

const checkTimeoutMilliseconds = 10_000;

/** Adds `config view` and `config control-planes add|list|remove|switch`. */
export function addConfig(program: Command, session: () => Session): void {
  const config = program.command('config').description('Manage the control planes that kumactl talks to');
  config
    .command('view')
    .description("Show kumactl's configuration")
    .action(() => session().terminal.print(formatYaml(configurationDocument(session().configuration()))));
  const controlPlanes = config.command('control-planes').description('Add, list, remove and switch control planes');
  addAdd(controlPlanes, session);
  controlPlanes
    .command('list')
    .description('List the known control planes; the active one has a star')
    .action(() => session().terminal.print(formatControlPlanes(session().configuration())));
  controlPlanes
    .command('remove')
    .description('Forget a control plane')
    .requiredOption('--name <name>', 'name of the control plane')
    .action(({ name }: { readonly name: string }) => remove(session(), name));
  controlPlanes
    .command('switch')
    .description('Make a control plane the active one')
    .requiredOption('--name <name>', 'name of the control plane')
    .action(({ name }: { readonly name: string }) => {
      const configuration = session().configuration();
      if (!configuration.contexts.some((context) => context.name === name)) throw unknownControlPlane(name);
      session().saveConfiguration({ ...configuration, currentContext: name });
      session().terminal.print(`switched active Control Plane to "${name}"\n`);
    });
}

function addAdd(controlPlanes: Command, session: () => Session): void {
  controlPlanes
    .command('add')
    .description('Add a control plane and make it the active one')
    .requiredOption('--name <name>', 'name to call it by')
    .requiredOption('--address <url>', 'address of its REST API, such as https://localhost:5682')
    .addOption(new Option('--auth-type <type>', 'how to authenticate').choices(['tokens']))
    .option(
      '--auth-conf <key=value>',
      'configuration of the authentication: token=…, or tokenFile=<path> to read it for each command',
      collectTexts,
      [],
    )
    .option('--ca-cert-file <file>', 'PEM file with the CA of its certificate')
    .option('--client-cert-file <file>', 'PEM file with a client certificate')
    .option('--client-key-file <file>', "PEM file with the client certificate's key")
    .option('--headers <key=value>', 'header to send with every request', collectTexts, [])
    .option('--overwrite', 'replace a control plane of that name', false)
    .option('--skip-check', 'do not try whether it answers', false)
    .option(
      '--skip-verify',
      'accept any certificate (insecure: anybody on the path can pose as the control plane)',
      false,
    )
    .action(async (flags: AddFlags) => add(session(), flags));
}

async function add(session: Session, flags: AddFlags): Promise<void> {
  const configuration = session.configuration(true);
  if (!flags.overwrite && configuration.controlPlanes.some((known) => known.name === flags.name)) {
    throw new MeshError(
      'conflict',
      `Control Plane with name "${flags.name}" already exists. Use --overwrite to replace an existing one.`,
    );
  }
  const apiServer = coordinatesOf(flags);
  if (!flags.skipCheck) await checkAnswers(apiServer);
  const context = { name: flags.name, controlPlane: flags.name };
  session.saveConfiguration({
    controlPlanes: [
      ...configuration.controlPlanes.filter((known) => known.name !== flags.name),
      { name: flags.name, coordinates: { apiServer } },
    ],
    contexts: [...configuration.contexts.filter((known) => known.name !== flags.name), context],
    currentContext: flags.name,
  });
  session.terminal.print(`added Control Plane "${flags.name}"\nswitched active Control Plane to "${flags.name}"\n`);
}

/** Whether a control plane answers there, in its own words. */
async function checkAnswers(apiServer: ApiServerCoordinates): Promise<void> {
  const client = openApiClient(apiServer, { timeoutMilliseconds: checkTimeoutMilliseconds });
  const index = await client.get('/');
  if (field(index, 'product') === undefined || field(index, 'version') === undefined) {
    throw new MeshError(
      'invalid',
      `--address: ${withoutPassword(apiServer.url)} is not a control plane's REST API; --skip-check adds it all the same`,
    );
  }
}

function coordinatesOf(flags: AddFlags): ApiServerCoordinates {
  if (!URL.canParse(flags.address) || !/^https?:\/\//.test(flags.address)) {
    const given = withoutPassword(flags.address);
    throw new MeshError('invalid', `--address: expected a URL such as http://localhost:5681, got "${given}"`);
  }
  if ((flags.clientCertFile === undefined) !== (flags.clientKeyFile === undefined)) {
    throw new MeshError('invalid', '--client-cert-file and --client-key-file go together: give both or none');
  }
  const headers = secretPairs('--headers', flags.headers).map(([key, value]) => ({ key, value }));
  return {
    url: flags.address,
    ...(flags.caCertFile === undefined ? {} : { caCertFile: flags.caCertFile }),
    ...(flags.clientCertFile === undefined ? {} : { clientCertFile: flags.clientCertFile }),
    ...(flags.clientKeyFile === undefined ? {} : { clientKeyFile: flags.clientKeyFile }),
    ...(flags.skipVerify ? { skipVerify: true } : {}),
    ...(headers.length > 0 ? { headers } : {}),
    ...authenticationOf(flags),
  };
}

function authenticationOf({ authType, authConf }: AddFlags): Pick<ApiServerCoordinates, 'authType' | 'authConf'> {
  const given = Object.fromEntries(secretPairs('--auth-conf', authConf));
  if (authType === undefined) {
    if (authConf.length > 0) throw new MeshError('invalid', '--auth-conf goes with --auth-type tokens');
    return {};
  }
  const { token = '', tokenFile = '' } = given;
  if ((token === '') === (tokenFile === ''))
    throw new MeshError('invalid', '--auth-conf: --auth-type tokens needs one of token=… and tokenFile=…');
  return { authType, authConf: given };
}

/** Pairs whose values may be secrets: an error does not show them. */
function secretPairs(flag: string, texts: readonly string[]): readonly Pair[] {
  return texts.map((text) => {
    const pair = pairOf(text);
    if (pair === undefined) throw new MeshError('invalid', `${flag}: expected key=value (what was given is not shown)`);
    return pair;
  });
}

function remove(session: Session, name: string): void {
  const configuration = session.configuration();
  if (!configuration.controlPlanes.some((known) => known.name === name)) throw unknownControlPlane(name);
  const contexts = configuration.contexts.filter((context) => context.controlPlane !== name);
  const stillActive = contexts.some((context) => context.name === configuration.currentContext);
  const next = stillActive ? configuration.currentContext : contexts[0]?.name;
  session.saveConfiguration({
    controlPlanes: configuration.controlPlanes.filter((known) => known.name !== name),
    contexts,
    ...(next === undefined ? {} : { currentContext: next }),
  });
  session.terminal.print(`removed Control Plane "${name}"\n`);
  if (next === undefined) {
    session.terminal.print(
      'there is no active Control Plane left. Use `kumactl config control-planes add` to add a Control Plane and make it active\n',
    );
  } else session.terminal.print(`switched active Control Plane to "${next}"\n`);
}

function formatControlPlanes(configuration: Configuration): string {
  const active = configuration.contexts.find((context) => context.name === configuration.currentContext)?.controlPlane;
  return formatTable(
    ['ACTIVE', 'NAME', 'ADDRESS'],
    configuration.controlPlanes.map(({ name, coordinates }) => [
      name === active ? '*' : '',
      name,
      coordinates.apiServer.url,
    ]),
  );
}

function unknownControlPlane(name: string): MeshError {
  return new MeshError(
    'not-found',
    `there is no Control Plane with name "${name}"; "kumactl config control-planes list" shows them`,
  );
}
