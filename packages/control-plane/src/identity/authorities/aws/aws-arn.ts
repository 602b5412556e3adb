// Names and addresses of AWS: what an ARN says, and where a service of a region is reached.

/** The parts of an ARN that say where something is. */
export interface AwsPlace {
  readonly partition: string;
  readonly region: string;
}

/** Where the thing with this ARN (`arn:<partition>:<service>:<region>:…`) is. */
export function placeOfArn(arn: string): AwsPlace {
  const [, partition = '', , region = ''] = arn.split(':');
  return { partition, region };
}

/** The partition that a region is in, by how its name begins. */
export function partitionOf(region: string): string {
  const found = Object.entries(partitionsByRegion).find(([prefix]) => region.startsWith(prefix));
  return found?.[1] ?? 'aws';
}

/** Variables of the environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Address of a service, without a path: `AWS_ENDPOINT_URL_<SERVICE>` or `AWS_ENDPOINT_URL` where the control plane has them, otherwise that of the region,
 * which is the validated one with `AWS_USE_FIPS_ENDPOINT`.
 */
export function awsEndpoint(service: 'acm-pca' | 'sts', place: AwsPlace, environment: Environment): string {
  const own = environment[`AWS_ENDPOINT_URL_${service.toUpperCase().replace('-', '_')}`];
  const chosen = own || environment.AWS_ENDPOINT_URL;
  if (chosen && environment.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS !== 'true') return chosen.replace(/\/+$/, '');
  const validated = environment.AWS_USE_FIPS_ENDPOINT === 'true' ? '-fips' : '';
  return `https://${service}${validated}.${place.region}.${domains[place.partition] ?? 'amazonaws.com'}`;
}

const domains: Readonly<Record<string, string>> = {
  'aws-cn': 'amazonaws.com.cn',
  'aws-eusc': 'amazonaws.eu',
  'aws-iso': 'c2s.ic.gov',
  'aws-iso-b': 'sc2s.sgov.gov',
};

const partitionsByRegion: Readonly<Record<string, string>> = {
  'cn-': 'aws-cn',
  'us-gov-': 'aws-us-gov',
  'us-isob-': 'aws-iso-b',
  'us-iso-': 'aws-iso',
  'eusc-': 'aws-eusc',
};
