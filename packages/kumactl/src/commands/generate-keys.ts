// `kumactl generate signing-key|public-key|tls-certificate`: all made here, without a control plane.
import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { MeshError } from '@ursa/resources';
import { type Command, Option } from 'commander';
import { collectWords } from '../flags.ts';
import { readNamedFile, writeWholeFile } from '../named-files.ts';
import { publicKeyOf } from '../pem-keys.ts';
import type { Session } from '../session.ts';

const signingKeyBits = 2048;

interface CertificateFlags {
  readonly type: 'server' | 'client';
  readonly hostname: readonly string[];
  readonly certFile: string;
  readonly keyFile: string;
  readonly keyType: 'rsa' | 'ecdsa';
}

/** Adds the three commands to `generate`. */
export function addGenerateKeys(generate: Command, session: () => Session): void {
  generate
    .command('signing-key')
    .description('RSA key that signs tokens, ready for the data of a Secret')
    .addOption(
      new Option('--format <format>', 'pem-base64 is what a Secret holds')
        .choices(['pem-base64', 'pem'])
        .default('pem-base64'),
    )
    .action(async ({ format }: { readonly format: string }) => {
      const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: signingKeyBits });
      const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
      session().terminal.print(format === 'pem' ? pem : `${Buffer.from(pem).toString('base64')}\n`);
    });
  generate
    .command('public-key')
    .description('Public half of a signing key, for control planes that only verify')
    .requiredOption('--signing-key-path <file>', 'file with the signing key')
    .action(({ signingKeyPath }: { readonly signingKeyPath: string }) => {
      session().terminal.print(publicKeyOf(readNamedFile('--signing-key-path', signingKeyPath), signingKeyPath));
    });
  generate
    .command('tls-certificate')
    .description('Self-signed certificate for a server or a client of the control plane')
    .addOption(new Option('--type <type>', 'what it proves').choices(['server', 'client']).makeOptionMandatory())
    .option('--hostname <name>', 'name or address of the server; several with commas or one by one', collectWords, [])
    .option('--cert-file <file>', 'where to write the certificate; - prints it', 'cert.pem')
    .option('--key-file <file>', 'where to write the key; - prints it', 'key.pem')
    .addOption(new Option('--key-type <type>', 'kind of key').choices(['rsa', 'ecdsa']).default('rsa'))
    .action(async (flags: CertificateFlags) => writeCertificate(session(), flags));
}

async function writeCertificate(session: Session, flags: CertificateFlags): Promise<void> {
  const { type, hostname, keyType, certFile, keyFile } = flags;
  if (type === 'server' && hostname.length === 0)
    throw new MeshError('invalid', '--hostname: a server certificate needs at least one name or address');
  const { issueSelfSigned } = await import('../self-signed-certificate.ts');
  const { certificate, key } = await issueSelfSigned({ type, names: hostname, keyType, now: session.terminal.now() });
  // The key first: a certificate without its key would look finished.
  if (keyFile !== '-') writeWholeFile('--key-file', keyFile, key, 0o600);
  if (certFile !== '-') writeWholeFile('--cert-file', certFile, certificate, 0o644);
  if (certFile === '-') session.terminal.print(certificate);
  if (keyFile === '-') session.terminal.print(key);
  if (certFile !== '-' && keyFile !== '-')
    session.terminal.print(
      `Certificates generated\n${type} cert saved in: ${certFile}\n${type} key saved in: ${keyFile}\n`,
    );
}
