// The real REST API on a free port, for golden command lines: what is put goes below the API into the store (no computed labels, no rules
// between resources), what is read comes from the API, and all times are the zero time.
import { formatResource, parseResource, type Resource, type ResourceDraft } from '@ursa/resources';
import type { StoreWrite } from '../../../control-plane/src/store/store.ts';
import { openApiFixture } from '../../../control-plane/test/api/api-fixture.ts';
import { formatYaml } from '../../src/yaml-output.ts';
import { openStubServer } from '../terminal.ts';

/** A running server. */
export interface GoldenServer {
  readonly url: string;
  /** The whole store in the form of the golden files. */
  printStore(): string;
  close(): Promise<void>;
}

const zeroTime = '0001-01-01T00:00:00Z';

/** The API reads only from meshes that exist; the recorded one did not look. */
function meshOf({ mesh }: ResourceDraft): StoreWrite[] {
  return mesh === '' ? [] : [{ kind: 'put', resource: { type: 'Mesh', mesh: '', name: mesh, labels: {}, spec: {} } }];
}

/** Starts it with an empty store. */
export async function openGoldenServer(): Promise<GoldenServer> {
  const { app, store, types, ask } = openApiFixture();
  const written = new Map<string, Resource>();
  const put = async (document: unknown) => {
    const draft = parseResource(types, document);
    const { resources } = await store.write([{ kind: 'put', resource: draft }, ...meshOf(draft)]);
    const [resource] = resources;
    if (resource !== undefined) written.set(`${resource.type}/${resource.name}`, resource);
    return { created: true };
  };
  const server = await openStubServer(async ({ method, url, body }) => {
    if (method === 'PUT') {
      await put(JSON.parse(body));
      return { status: 201 };
    }
    if (url === '/_apply') {
      const answers: unknown[] = [];
      for (const document of JSON.parse(body).resources) answers.push(await put(document));
      return { body: { resources: answers } };
    }
    const { status, text } = await ask(method, url);
    return { status, body: JSON.parse(text.replaceAll(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d[^"]+/g, zeroTime)) };
  });
  return {
    url: server.url,
    printStore() {
      let type = '';
      let text = '';
      for (const key of [...written.keys()].sort()) {
        const resource = written.get(key);
        const definition = resource && types.byName(resource.type);
        if (resource === undefined || definition === undefined) continue;
        if (resource.type !== type) text += `# ${resource.type}\n`;
        type = resource.type;
        const dated = { ...resource, creationTime: zeroTime, modificationTime: zeroTime };
        const printed = formatYaml(formatResource(definition, dated));
        text += `---\n${printed.replaceAll(/version: .*/g, 'version: STRIPPED_VERSION')}\n`;
      }
      return text;
    },
    async close() {
      await server.close();
      await app.close();
    },
  };
}

/** A configuration file that names the server. */
export function configurationFor(url: string): string {
  return JSON.stringify({
    controlPlanes: [{ name: 'golden', coordinates: { apiServer: { url } } }],
    contexts: [{ name: 'golden', controlPlane: 'golden' }],
    currentContext: 'golden',
  });
}
