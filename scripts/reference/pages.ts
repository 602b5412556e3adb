// The generated pages of the reference. Each is a pure function of the code; `node scripts/document.ts` writes them, a check compares them.
import { describeCommands } from '@ursa/kumactl';
import { policyResourceTypes } from '@ursa/policies';
import { accessResourceTypes, coreResourceTypes, createResourceTypes } from '@ursa/resources';
import { formatOpenApiReference } from '../../packages/control-plane/src/api/openapi/reference.ts';
import { buildInfo } from '../../packages/control-plane/src/version.ts';
import { dataPlanePage } from './data-plane-page.ts';
import { findingsPage } from './findings-page.ts';
import { policyNamesModule } from './policy-names-module.ts';
import { resourcesPage } from './resources-page.ts';
import { settingsPage } from './settings-page.ts';
import { transparentProxyPage } from './transparent-proxy-page.ts';

/** A generated file. */
export interface Page {
  /** Path from the repository's root. */
  readonly file: string;
  text(): string | Promise<string>;
}

const types = createResourceTypes([...coreResourceTypes, ...accessResourceTypes, ...policyResourceTypes]);

export const pages: readonly Page[] = [
  { file: 'packages/kumactl/src/policy-names.ts', text: policyNamesModule },
  { file: 'docs/reference/settings.md', text: settingsPage },
  { file: 'docs/reference/kuma-dp.md', text: dataPlanePage },
  { file: 'docs/reference/kumactl.md', text: describeCommands },
  { file: 'docs/reference/transparent-proxy.md', text: transparentProxyPage },
  { file: 'docs/reference/findings.md', text: findingsPage },
  { file: 'docs/reference/resources.md', text: () => resourcesPage(types) },
  {
    file: 'docs/reference/openapi.yaml',
    text: () => formatOpenApiReference(types, buildInfo.version),
  },
];
