// `kumactl generate dataplane-token|user-token|zone-token`: asks the control plane, or signs here with `--signing-key-path` and `--kid`.
import { randomUUID } from 'node:crypto';
import {
  dataplaneTokenClaims,
  MeshError,
  parseDuration,
  type TokenIssue,
  userTokenClaims,
  zoneTokenClaims,
} from '@ursa/resources';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { collectPairs, collectWords, type Pair, positiveDuration } from '../flags.ts';
import { readNamedFile } from '../named-files.ts';
import { pkcs8Of } from '../pem-keys.ts';
import type { Session } from '../session.ts';

interface OfflineFlags {
  readonly validFor: string;
  readonly kid?: string;
  readonly signingKeyPath?: string;
}

/** Claims of the token, once its time is known, and the body that asks the server for the same. */
interface TokenRequest {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  claims(issue: TokenIssue): Record<string, unknown>;
}

/** What the peer takes when nothing is said. */
const tenYears = '87600h';

/** Adds the three commands to `generate`. */
export function addGenerateTokens(generate: Command, session: () => Session): void {
  offlineOptions(generate.command('dataplane-token').description('Token that lets a data plane proxy connect'))
    .option('--valid-for <duration>', 'how long it is valid, such as 24h', positiveDuration, tenYears)
    .option('--name <name>', 'bind it to the Dataplane of this name')
    .option('--tag <key=value>', 'bind it to a tag; values may be joined with commas', collectPairs, [])
    .addOption(new Option('--proxy-type <type>', 'bind it to a kind of proxy').choices(proxyTypes))
    .addOption(new Option('--type <type>', 'older name of --proxy-type').choices(proxyTypes).hideHelp())
    .option('--workload <name>', 'bind it to a workload')
    .action(
      async (
        flags: OfflineFlags & {
          name?: string;
          tag: readonly Pair[];
          proxyType?: string;
          type?: string;
          workload?: string;
        },
      ) => {
        const tags = tagsOf(flags.tag);
        const proxyType = flags.proxyType ?? flags.type;
        const subject = {
          mesh: session().mesh,
          name: flags.name,
          tags,
          type: proxyType,
          workload: flags.workload,
        };
        const body = {
          mesh: subject.mesh,
          name: flags.name ?? '',
          tags,
          type: proxyType ?? '',
          workload: flags.workload ?? '',
        };
        await printToken(session(), flags, {
          path: '/tokens/dataplane',
          body,
          claims: (issue) => dataplaneTokenClaims(subject, issue),
        });
      },
    );
  offlineOptions(generate.command('user-token').description('Token for a user of the REST API'))
    .requiredOption('--valid-for <duration>', 'how long it is valid, such as 24h', positiveDuration)
    .requiredOption('--name <name>', 'name of the user')
    .option('--group <name>', 'group of the user; several with commas or one by one', collectWords, [])
    .action(async (flags: OfflineFlags & { name: string; group: readonly string[] }) => {
      const subject = { name: flags.name, groups: flags.group };
      await printToken(session(), flags, {
        path: '/tokens/user',
        body: subject,
        claims: (issue) => userTokenClaims(subject, issue),
      });
    });
  offlineOptions(generate.command('zone-token').description('Token for the proxies of a zone'))
    .requiredOption('--valid-for <duration>', 'how long it is valid, such as 24h', positiveDuration)
    .option('--zone <name>', 'name of the zone; when it is left out, the token is good in any', '')
    .option(
      '--scope <list>',
      'what it may be used for, with commas or one by one: ingress, egress',
      collectScopes,
      zoneScopes,
    )
    .action(async (flags: OfflineFlags & { zone: string; scope: readonly string[] }) => {
      const subject = { zone: flags.zone, scope: flags.scope };
      await printToken(session(), flags, {
        path: '/tokens/zone',
        body: subject,
        claims: (issue) => zoneTokenClaims(subject, issue),
      });
    });
}

const proxyTypes = ['dataplane', 'ingress', 'egress'];

const zoneScopes = ['ingress', 'egress'];

/** Scopes given once with commas or one by one; the first takes the place of the default. */
function collectScopes(text: string, previous: readonly string[]): readonly string[] {
  const scopes = text.split(',');
  if (!scopes.every((scope) => zoneScopes.includes(scope)))
    throw new InvalidArgumentError(`Expected ${zoneScopes.join(', ')} or both.`);
  return [...new Set([...(previous === zoneScopes ? [] : previous), ...scopes])];
}

function offlineOptions(command: Command): Command {
  return command
    .option('--kid <serial>', 'serial of the signing key; with --signing-key-path')
    .option('--signing-key-path <file>', 'sign here with this private key instead of asking the control plane');
}

async function printToken(session: Session, flags: OfflineFlags, request: TokenRequest): Promise<void> {
  if ((flags.kid === undefined) !== (flags.signingKeyPath === undefined)) {
    throw new MeshError(
      'invalid',
      '--kid and --signing-key-path go together: give both to sign offline, none to ask the control plane',
    );
  }
  if (flags.kid !== undefined && flags.signingKeyPath !== undefined) {
    const issue = {
      now: session.terminal.now(),
      validForSeconds: Math.ceil((parseDuration(flags.validFor) ?? 0) / 1000),
      id: randomUUID(),
    };
    session.terminal.print(`${await sign(request.claims(issue), flags.signingKeyPath, flags.kid)}\n`);
    return;
  }
  const body = JSON.stringify({ ...request.body, validFor: flags.validFor });
  const answer = await session
    .client()
    .send({ method: 'POST', path: request.path, body, accept: 'text/plain, application/json' });
  session.terminal.print(`${answer.text.trim()}\n`);
}

async function sign(claims: Record<string, unknown>, file: string, kid: string): Promise<string> {
  const pem = pkcs8Of(readNamedFile('--signing-key-path', file), file);
  // Loaded here only: most commands do without the library.
  const { importPKCS8, SignJWT } = await import('jose');
  const key = await importPKCS8(pem, 'RS256');
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid, typ: 'JWT' }).sign(key);
}

function tagsOf(pairs: readonly Pair[]): Record<string, readonly string[]> {
  const tags: Record<string, readonly string[]> = {};
  for (const [key, values] of pairs) tags[key] = [...(tags[key] ?? []), ...values.split(',')];
  return tags;
}
