import { hex } from '../../src/common/bytes.ts';
import type { Links } from '../../src/gossip/links.ts';
import { readEnvelope } from '../../src/gossip/wire/envelope.ts';

/** Nonces that a peer hears, each behind the beginning of the pki id of who said it; a test waits for as many as it wants. */
export function ears({ links }: { readonly links: Pick<Links, 'onEnvelope'> }): (count: number) => Promise<readonly string[]> {
  const heard: string[] = [];
  let wake: () => void = () => undefined;
  links.onEnvelope((from, envelope) => {
    heard.push(`${hex(from.pkiId).slice(0, 6)} ${readEnvelope(envelope).message.nonce}`);
    wake();
  });
  return async (count) => {
    while (heard.length < count) await new Promise<void>((resolve) => (wake = resolve));
    return heard;
  };
}

/** What {@link ears} hear of a peer that says these. */
export const said = ({ pkiId }: { readonly pkiId: Uint8Array }, ...nonces: number[]): string[] =>
  nonces.map((nonce) => `${hex(pkiId).slice(0, 6)} ${nonce}`);
