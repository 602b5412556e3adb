// Common names as backends give them: text in which `{{ tag "kuma.io/service" }}` stands for the value of a tag of the proxy.
import type { AlternativeNames } from '@ursa/certificates';
import { commonNameTag } from '@ursa/resources';

const longest = 64;

/** The common name for these names, which hold the proxy's tags as `kuma://<tag>/<value>`; the first value of a tag that has several. */
export function commonNameOf(template: string, { uris = [] }: AlternativeNames): string {
  const tagValue = (tag: string): string => {
    const prefix = `kuma://${tag}/`;
    return uris.find((uri) => uri.startsWith(prefix))?.slice(prefix.length) ?? '';
  };
  // The standard ends common names at 64 characters; the URIs say the whole name.
  return template.replaceAll(commonNameTag, (_whole, tag: string) => tagValue(tag)).slice(0, longest);
}
