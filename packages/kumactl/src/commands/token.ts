// `kumactl token inspect|list|revoke`: what a token says, which keys and revocations decide over it, and how it is taken back.
import { MeshError, type TokenKind } from '@ursa/resources';
import { type Command, Option } from 'commander';
import { CommandEnd, exitCodes } from '../exit-codes.ts';
import { type OutputFormat, outputOption } from '../flags.ts';
import { readNamedFile } from '../named-files.ts';
import type { Session } from '../session.ts';
import { formatAge, formatTable } from '../table.ts';
import { type ReadToken, readToken } from '../tokens/read-token.ts';
import { readTokenState, revokeToken, type TokenState } from '../tokens/token-secrets.ts';
import { formatYaml } from '../yaml-output.ts';

const kinds = ['dataplane', 'zone', 'user'] as const;

/** Adds the three commands. */
export function addToken(program: Command, session: () => Session): void {
  const token = program.command('token').description('Look at tokens, and take them back');
  token
    .command('inspect')
    .description('Show what a token says, and whether it counts still')
    .argument('<file>', 'file with the token, or - for standard input')
    .option('--offline', 'do not ask the control plane for keys and revocations', false)
    .addOption(outputOption())
    .addHelpText('after', `\nExit codes: ${exitCodes.done} it counts, ${exitCodes.failed} it does not, or failed.`)
    .action((file: string, flags: InspectFlags) => inspect(session(), file, flags));
  token
    .command('list')
    .description('Show signing keys and revoked tokens; tokens themselves are stored nowhere')
    .addOption(kindOption())
    .addOption(outputOption())
    .action((flags: ListFlags) => list(session(), flags));
  token
    .command('revoke')
    .description('Revoke a token: connections that were opened with it are closed on every instance')
    .argument('[file]', 'file with the token, or - for standard input')
    .option('--id <id>', 'its id (jti), where the token itself is not at hand; with --kind')
    .addOption(kindOption())
    .action((file: string | undefined, flags: RevokeFlags) => revoke(session(), file, flags));
}

interface InspectFlags {
  readonly offline: boolean;
  readonly output: OutputFormat;
}

interface ListFlags {
  readonly kind?: TokenKind;
  readonly output: OutputFormat;
}

interface RevokeFlags {
  readonly id?: string;
  readonly kind?: TokenKind;
}

const looksLikeToken = /^eyJ[\w-]+\.[\w-]+\.[\w-]*$/;

function kindOption(): Option {
  return new Option('--kind <kind>', 'kind of token').choices(kinds);
}

async function readFrom({ terminal }: Session, file: string): Promise<ReadToken> {
  if (file === '-') return readToken(await terminal.readInput(), 'standard input');
  // Not shown again: what is on a screen is copied into tickets.
  if (looksLikeToken.test(file))
    throw new MeshError(
      'invalid',
      '<file>: expected the name of a file, found a token itself. Whoever lists the processes of this host can read it there: give - and the token as standard input, and revoke this one if others are on the host',
    );
  return readToken(readNamedFile('<file>', file).toString('utf8'), file);
}

async function inspect(session: Session, file: string, { offline, output }: InspectFlags): Promise<void> {
  const token = await readFrom(session, file);
  const { terminal } = session;
  const state = offline ? undefined : await stateOf(session, token);
  const verdict = judge(token, state, terminal.now());
  const [from, until] = [token.notBefore, token.expires].map((time) =>
    Number.isNaN(time) ? 'not said' : new Date(time).toISOString(),
  );
  const facts = [
    ['kind', token.kind],
    ...token.subject,
    ['id', token.id],
    ['signed by key', token.kid],
    ['valid from', from ?? ''],
    ['valid until', until ?? ''],
    ['counts', verdict.counts ? verdict.words : `no: ${verdict.words}`],
  ] as const;
  if (output === 'table') terminal.print(formatTable(['WHAT', 'VALUE'], facts));
  else {
    const answer = Object.fromEntries(facts);
    terminal.print(output === 'yaml' ? formatYaml(answer) : `${JSON.stringify(answer, null, 2)}\n`);
  }
  if (!verdict.counts) throw new CommandEnd(exitCodes.failed);
}

/** Who may not see secrets, or has no control plane at hand, still sees what the token says. */
async function stateOf(session: Session, { kind, mesh }: ReadToken): Promise<TokenState | undefined> {
  try {
    return await readTokenState(session, kind, mesh);
  } catch (error) {
    if (!(error instanceof MeshError)) throw error;
    session.terminal.printError(`Note: keys and revocations are not known: ${error.message}\n`);
    return undefined;
  }
}

function judge(
  token: ReadToken,
  state: TokenState | undefined,
  now: number,
): { readonly counts: boolean; readonly words: string } {
  if (token.expires <= now) return { counts: false, words: 'it has expired' };
  if (token.notBefore > now) return { counts: false, words: 'it is not valid yet' };
  if (state === undefined) return { counts: true, words: 'by its times; keys and revocations were not looked at' };
  if (state.revoked.includes(token.id)) return { counts: false, words: 'it is revoked' };
  if (state.keys.some(({ kid }) => kid === token.kid))
    return { counts: true, words: 'yes; the signature was not verified' };
  return {
    counts: true,
    words: `only if key ${token.kid} is among the public keys of the settings: it is not in the store`,
  };
}

async function list(session: Session, { kind, output }: ListFlags): Promise<void> {
  const { terminal, mesh } = session;
  const states = await Promise.all(
    (kind === undefined ? kinds : [kind]).map(async (each) => ({
      kind: each,
      ...(each === 'dataplane' ? { mesh } : {}),
      ...(await readTokenState(session, each, each === 'dataplane' ? mesh : '')),
    })),
  );
  if (output !== 'table')
    return terminal.print(output === 'yaml' ? formatYaml(states) : `${JSON.stringify(states, null, 2)}\n`);
  const rows = states.flatMap((state) => {
    const name = state.mesh === undefined ? state.kind : `${state.kind} (mesh ${state.mesh})`;
    return [
      ...state.keys.map(({ kid, since }, position) => [
        name,
        'signing key',
        kid,
        `${formatAge(since, terminal.now())} old${position === state.keys.length - 1 ? ', signs' : ''}`,
      ]),
      ...state.revoked.map((id) => [name, 'revoked token', id, '']),
    ];
  });
  terminal.print(formatTable(['KIND', 'WHAT', 'ID', 'STATE'], rows));
}

async function revoke(session: Session, file: string | undefined, { id, kind }: RevokeFlags): Promise<void> {
  if ((file === undefined) === (id === undefined))
    throw new MeshError('invalid', 'give either a file with the token, or --id with --kind');
  if (id !== undefined && kind === undefined)
    throw new MeshError('invalid', `--kind: must be set with --id: one of ${kinds.join(', ')}`);
  if (id !== undefined && !/^[^\s,]+$/.test(id))
    throw new MeshError(
      'invalid',
      '--id: expected one id without commas and spaces, as kumactl token inspect shows it',
    );
  const token =
    file === undefined
      ? { kind: kind ?? 'user', id: id ?? '', mesh: kind === 'dataplane' ? session.mesh : '' }
      : await readFrom(session, file);
  if (token.id === '')
    throw new MeshError('invalid', 'the token has no id (jti): it can be taken back by deleting its signing key only');
  const added = await revokeToken(session, token.kind, token.mesh, token.id);
  session.terminal.print(`${token.kind} token ${token.id} ${added ? 'is revoked' : 'was revoked already'}\n`);
}
