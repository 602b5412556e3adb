// `kumactl generate signing-key|public-key|tls-certificate`: all made here, without a control plane.
import { generateKeyPair, webcrypto } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { MeshError } from '@ursa/resources';
import type { Command } from 'commander';
import { publicKeyOf } from '../pem-keys.ts';
import type { Session } from '../session.ts';

const signingKeyBits = 2048;
const certificateYears = 10;

interface CertificateFlags {
  readonly type: string;
  readonly hostname: readonly string[];
  readonly certFile: string;
  readonly keyFile: string;
  readonly keyType: string;
}

/** Adds the three commands to `generate`. */
export function addGenerateKeys(generate: Command, session: () => Session): void {
  generate
    .command('signing-key')
    .description('RSA key that signs tokens, ready for the data of a Secret')
    .option('--format <format>', 'pem-base64 or pem', 'pem-base64')
    .action(async ({ format }: { readonly format: string }) => {
      if (format !== 'pem' && format !== 'pem-base64')
        throw new MeshError('invalid', `--format: expected pem-base64 or pem, got "${format}"`);
      const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: signingKeyBits });
      const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
      session().terminal.print(format === 'pem' ? pem : `${Buffer.from(pem).toString('base64')}\n`);
    });
  generate
    .command('public-key')
    .description('Public half of a signing key, for control planes that only verify')
    .requiredOption('--signing-key-path <file>', 'file with the signing key')
    .action(({ signingKeyPath }: { readonly signingKeyPath: string }) => {
      session().terminal.print(publicKeyOf(readFileSync(signingKeyPath), signingKeyPath));
    });
  generate
    .command('tls-certificate')
    .description('Self-signed certificate for a server or a client of the control plane')
    .requiredOption('--type <type>', 'server or client')
    .option(
      '--hostname <name>',
      'name or address of the server; may be given several times',
      (name: string, previous: readonly string[]) => [...previous, name],
      [],
    )
    .option('--cert-file <file>', 'where to write the certificate', 'cert.pem')
    .option('--key-file <file>', 'where to write the key', 'key.pem')
    .option('--key-type <type>', 'rsa or ecdsa', 'rsa')
    .action(async (flags: CertificateFlags) => writeCertificate(session(), flags));
}

async function writeCertificate(session: Session, flags: CertificateFlags): Promise<void> {
  if (flags.type !== 'server' && flags.type !== 'client')
    throw new MeshError('invalid', `--type: expected server or client, got "${flags.type}"`);
  if (flags.keyType !== 'rsa' && flags.keyType !== 'ecdsa')
    throw new MeshError('invalid', `--key-type: expected rsa or ecdsa, got "${flags.keyType}"`);
  if (flags.type === 'server' && flags.hostname.length === 0)
    throw new MeshError('invalid', '--hostname: a server certificate needs at least one name or address');
  // Loaded here only: most commands do without the library, and it costs start-up time.
  const { X509CertificateGenerator, ...x509 } = await import('@peculiar/x509');
  const algorithm =
    flags.keyType === 'rsa'
      ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }
      : { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  if (!('privateKey' in keys)) throw new MeshError('internal', 'the crypto library gave no key pair');
  const now = new Date(session.terminal.now());
  const usage = flags.type === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth;
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=${flags.hostname[0] ?? 'kumactl'}`,
      notBefore: new Date(now.getTime() - 5 * 60_000),
      notAfter: new Date(new Date(now).setUTCFullYear(now.getUTCFullYear() + certificateYears)),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment | x509.KeyUsageFlags.keyCertSign,
          true,
        ),
        new x509.ExtendedKeyUsageExtension([usage]),
        ...(flags.hostname.length === 0
          ? []
          : [new x509.SubjectAlternativeNameExtension(flags.hostname.map(alternativeName))]),
      ],
    },
    webcrypto,
  );
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  writeOutput(session, flags.certFile, `${certificate.toString('pem')}\n`, 0o644);
  writeOutput(
    session,
    flags.keyFile,
    `-----BEGIN PRIVATE KEY-----\n${key.match(/.{1,64}/g)?.join('\n') ?? ''}\n-----END PRIVATE KEY-----\n`,
    0o600,
  );
  if (flags.certFile !== '-')
    session.terminal.print(
      `Certificates generated\n${flags.type} cert saved in: ${flags.certFile}\n${flags.type} key saved in: ${flags.keyFile}\n`,
    );
}

function alternativeName(name: string): { readonly type: 'ip' | 'dns'; readonly value: string } {
  return { type: /^[\d.]+$|:/.test(name) ? 'ip' : 'dns', value: name };
}

function writeOutput(session: Session, file: string, text: string, mode: number): void {
  if (file === '-') session.terminal.print(text);
  else writeFileSync(file, text, { mode });
}
