// Checks the certificates of a MeshTrust before it is written: an Envoy that cannot read one of them would trust nobody.
import { X509Certificate } from 'node:crypto';
import { MeshError, type MeshTrustSpec, type Violation } from '@ursa/resources';
import { withCheck } from '../../store/checked-manager.ts';
import type { ResourceManager } from '../../store/resource-manager.ts';

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** The manager, which then refuses a MeshTrust with a bundle that cannot be read: `MeshError('invalid')`. */
export function withTrustChecks(manager: ResourceManager): ResourceManager {
  return withCheck(manager, async (drafts) => {
    const violations = drafts.flatMap(({ type, spec }) =>
      type === 'MeshTrust' ? validateTrust(spec as MeshTrustSpec) : [],
    );
    const [first] = violations;
    if (first !== undefined) throw new MeshError('invalid', `${first.field}: ${first.message}`, { violations });
  });
}

/** What is wrong with the bundles of a MeshTrust. */
export function validateTrust({ caBundles }: MeshTrustSpec): readonly Violation[] {
  return caBundles.flatMap(({ pem }, index) => {
    const field = `spec.caBundles[${index}].pem.value`;
    const blocks = pem?.value.match(pemCertificate) ?? [];
    if (blocks.length === 0) return [{ field, message: 'expected one or more certificates in PEM' }];
    return blocks.flatMap((block, position) => {
      const problem = problemOf(block);
      return problem === undefined ? [] : [{ field, message: `certificate ${position + 1} ${problem}` }];
    });
  });
}

function problemOf(block: string): string | undefined {
  try {
    const certificate = new X509Certificate(block);
    return certificate.ca ? undefined : "is no CA: basic constraint 'CA' must be set to 'true'";
  } catch {
    return 'cannot be read: expected X.509 in PEM';
  }
}
