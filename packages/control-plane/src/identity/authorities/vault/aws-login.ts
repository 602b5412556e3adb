// What a Vault is shown by who logs in with an AWS identity: a request to AWS that asks who signed it, signed and not sent. Vault sends it, and believes the answer.
import { awsEndpoint, type Environment, partitionOf } from '../aws/aws-arn.ts';
import type { AwsIdentity } from '../aws/aws-identity.ts';

/** How to log in with an AWS identity. */
export interface AwsLogin {
  /** Role of Vault; '' for the one that is named as the identity is. */
  readonly role: string;
  /** Of AWS; Vault must know the same one. */
  readonly region: string;
  /** What Vault wants to see in the request, so that it can be shown to no other; '' for nothing. */
  readonly serverId: string;
}

/** The region whose answer Vault trusts unless it is told otherwise. */
export const usualRegion = 'us-east-1';
const usualAddress = 'https://sts.amazonaws.com';
const question = 'Action=GetCallerIdentity&Version=2011-06-15';

/** Body of the login. Errors: `MeshError('unavailable')` when there are no credentials. */
export async function awsLoginBody(
  { role, region, serverId }: AwsLogin,
  identity: AwsIdentity,
  environment: Environment,
  signal: AbortSignal,
): Promise<object> {
  const regional = awsEndpoint('sts', { partition: partitionOf(region), region }, environment);
  const address = regional === `https://sts.${usualRegion}.amazonaws.com` ? usualAddress : regional;
  const signed = await identity.sign(
    {
      method: 'POST',
      address,
      service: 'sts',
      region,
      headers: {
        'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        'content-length': String(question.length),
        ...(serverId === '' ? {} : { 'x-vault-aws-iam-server-id': serverId }),
      },
      body: question,
    },
    signal,
  );
  const headers = Object.fromEntries(Object.entries(signed).map(([name, value]) => [name, [value]]));
  return {
    ...(role === '' ? {} : { role }),
    iam_http_request_method: 'POST',
    iam_request_url: base64(`${address}/`),
    iam_request_body: base64(question),
    iam_request_headers: base64(JSON.stringify(headers)),
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
