// `kumactl explain CLIENT SERVER`: what will become of a request and why, from the control plane or from files.
import type { Explanation, Question } from '@ursa/engine';
import { MeshError } from '@ursa/resources';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { formatExplanation } from '../explanation-text.ts';
import { autoReachableFlag, collectTexts, wholeNumber } from '../flags.ts';
import type { Session } from '../session.ts';
import { loadResourceTypes } from '../type-handles.ts';
import { formatYaml } from '../yaml-output.ts';

interface ExplainFlags {
  readonly method: string;
  readonly path: string;
  readonly header: readonly string[];
  readonly port?: number;
  readonly file: readonly string[];
  readonly output: 'text' | 'yaml' | 'json';
  readonly envoy: boolean;
  readonly autoReachableServices: boolean;
}

/** Adds the command. */
export function addExplain(program: Command, session: () => Session): void {
  program
    .command('explain')
    .description('Say whether a request from one workload to another gets through, and which policies decide')
    .argument(
      '<names...>',
      "client and server: data plane proxies, services or workloads, as CLIENT SERVER or 'CLIENT -> SERVER'",
    )
    .option('--method <method>', 'method of the request', 'GET')
    .option('--path <path>', 'path of the request, with its query', '/')
    .option('--header <name:value>', 'header of the request; may be repeated', collectHeader, [])
    .option('--port <port>', 'port that the client calls', wholeNumber(1))
    .option(
      '-f, --file <place>',
      'explain resources in files instead of asking the control plane; may be repeated',
      collectTexts,
      [],
    )
    .addOption(
      new Option('-o, --output <format>', 'form of the output').choices(['text', 'yaml', 'json']).default('text'),
    )
    .option(...autoReachableFlag)
    .option('--envoy', "also print the parts of Envoy's configuration that the request passes", false)
    .action(async (names: readonly string[], flags: ExplainFlags) => {
      const current = session();
      const [from, to] = endsOf(names);
      const headers = Object.fromEntries(flags.header.map(pairOfHeader));
      const port = flags.port === undefined ? {} : { port: flags.port };
      const question = { mesh: current.mesh, from, to, ...port, method: flags.method, path: flags.path, headers };
      const answer =
        flags.file.length > 0 ? await explainFiles(current, flags, question) : await ask(current, question);
      const { steps } = answer;
      const shown = flags.envoy ? answer : { ...answer, steps: steps.map(({ envoy: _, ...step }) => step) };
      if (flags.output === 'json') current.terminal.print(`${JSON.stringify(shown, null, 2)}\n`);
      else if (flags.output === 'yaml') current.terminal.print(formatYaml(shown));
      else current.terminal.print(formatExplanation(answer, flags));
    });
}

function endsOf(names: readonly string[]): readonly [from: string, to: string] {
  const ends = names
    .flatMap((name) => name.split('->'))
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const [from, to, ...others] = ends;
  // The shell takes a bare -> for a redirection, and leaves the dash.
  if (from === undefined || to === undefined || to === '-' || others.length > 0) {
    throw new MeshError(
      'invalid',
      "expected two names: kumactl explain web api, or, in quotes, kumactl explain 'web -> api'",
    );
  }
  return [from, to];
}

function collectHeader(text: string, previous: readonly string[]): readonly string[] {
  if (!/^[^:\s]+:/.test(text)) throw new InvalidArgumentError('Expected name:value.');
  return [...previous, text];
}

function pairOfHeader(text: string): readonly [string, string] {
  const colon = text.indexOf(':');
  return [text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim()];
}

async function explainFiles(
  session: Session,
  { file: places, autoReachableServices }: ExplainFlags,
  question: Question,
): Promise<Explanation> {
  const { openOfflineMesh } = await import('../offline/offline-mesh.ts');
  const { readDrafts } = await import('../offline/read-drafts.ts');
  const types = await loadResourceTypes();
  const files = await readDrafts(places, session.terminal, types, { mesh: question.mesh, variables: [] });
  const answer = openOfflineMesh(types, files.drafts, { autoReachableServices }).engine.explain(question);
  const invalid = files.findings.filter(({ code }) => code === 'invalid');
  return { ...answer, problems: [...answer.problems.map(files.locate), ...invalid] };
}

async function ask(session: Session, { mesh, headers, ...question }: Question): Promise<Explanation> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(question)) query.set(name, String(value));
  for (const [name, value] of Object.entries(headers)) query.append('header', `${name}:${value}`);
  return (await session.client().get(`/meshes/${encodeURIComponent(mesh)}/_explain?${query}`)) as Explanation;
}
