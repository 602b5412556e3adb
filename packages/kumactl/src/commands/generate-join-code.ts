// `kumactl generate join-code`: a code with which a proxy on another host joins the mesh, once.
import type { Command } from 'commander';
import { collectWords, positiveDuration } from '../flags.ts';
import type { Session } from '../session.ts';

interface JoinCodeFlags {
  readonly service?: string;
  readonly name?: string;
  readonly validFor: string;
  readonly tokenValidFor: string;
  readonly address: readonly string[];
}

/** Adds the command to `generate`. The code alone goes to the standard output, what to do with it to the standard error. */
export function addGenerateJoinCode(generate: Command, session: () => Session): void {
  generate
    .command('join-code')
    .description('Code with which one proxy on another host joins the mesh, once: "kuma-dp join <code>" there')
    .option('--service <name>', 'the only service that may join with it')
    .option('--name <name>', 'name of the Dataplane that joins with it; one is made up when it is not said')
    .option('--valid-for <duration>', 'how long the code can be used, at most 24h', positiveDuration, '15m')
    .option(
      '--token-valid-for <duration>',
      'how long the token is valid that it is exchanged for',
      positiveDuration,
      '87600h',
    )
    .option(
      '--address <name>',
      'name or address at which the other host reaches the control plane, with or without a port; several with commas or one by one',
      collectWords,
      [],
    )
    .action(async ({ service, name, validFor, tokenValidFor, address }: JoinCodeFlags) => {
      const { mesh, terminal, client } = session();
      const body = JSON.stringify({ mesh, service, name, validFor, tokenValidFor, addresses: address });
      const answer = await client().send({
        ...{ method: 'POST', path: '/tokens/join-code', body },
        accept: 'text/plain, application/json',
      });
      terminal.print(`${answer.text.trim()}\n`);
      const flags = service === undefined ? '--service <service> --port <port>' : '--port <port>';
      terminal.printError(`Good once, within ${validFor}. On the other host: kuma-dp join <code> ${flags}\n`);
    });
}
