// Fetches the Envoy that kuma-dp runs when there is none in PATH: once per user, checked by its hash.
import { fetchEnvoy } from '@ursa/data-plane';

const { path, fetched } = await fetchEnvoy(process.env);
console.log(fetched ? `fetched Envoy: ${path}` : `Envoy is there: ${path}`);
