// A certificate and a key that Envoy can read, for configurations that are shown to a real one.
import { createPrivateKey } from 'node:crypto';
import { issueSelfSignedServer } from '../../control-plane/src/identity/certificates/certificate.ts';
import { generateKeys } from '../../control-plane/src/identity/certificates/key-pair.ts';
import type { AdminIdentity } from '../src/index.ts';

/** A self-signed certificate; who it belongs to does not matter. */
export async function realIdentity(): Promise<AdminIdentity> {
  const { privateKey, publicKey } = await generateKeys({ kind: 'p256' });
  const day = 86_400_000;
  const certificate = await issueSelfSignedServer({
    commonName: 'kuma-cp',
    names: { dnsNames: ['kuma-cp'] },
    privateKey: createPrivateKey(privateKey),
    publicKey,
    validity: { notBefore: Date.now() - day, notAfter: Date.now() + day },
  });
  return { certificateChain: certificate, privateKey, clientCa: certificate };
}
