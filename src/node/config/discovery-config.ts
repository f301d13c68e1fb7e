import * as v from 'valibot';
import { count, flag, section, text } from './schema-values.ts';

/** `peer.discovery`. */
export interface DiscoveryConfig {
  /** Whether clients are answered at all. */
  readonly enabled: boolean;
  /** How many requests are remembered with the verdict over them, per configuration of a channel; 0 for none. */
  readonly rememberedVerdicts: number;
  /** The share of them that stays when there are too many. */
  readonly retainedVerdicts: number;
  readonly orgMembersAllowed: boolean;
}

const share = (fallback: number) =>
  v.pipe(
    text(String(fallback)),
    v.regex(/^(0(\.\d+)?|1(\.0+)?)$/, 'expected a number from 0 to 1'),
    v.transform((value) => Number(value)),
  );

/** Defaults are those of Fabric's sample. */
export const discoveryKeys = {
  enabled: flag(true),
  authcacheenabled: flag(true),
  authcachemaxsize: count(1000),
  authcachepurgeretentionratio: share(0.75),
  orgmembersallowedaccess: flag(false),
};

const discoverySchema = section(discoveryKeys);

export const discoveryConfig = (discovery: v.InferOutput<typeof discoverySchema>): DiscoveryConfig => ({
  enabled: discovery.enabled,
  rememberedVerdicts: discovery.authcacheenabled ? discovery.authcachemaxsize : 0,
  retainedVerdicts: discovery.authcachepurgeretentionratio,
  orgMembersAllowed: discovery.orgmembersallowedaccess,
});
