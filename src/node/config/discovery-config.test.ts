import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { discoveryConfig, discoveryKeys } from './discovery-config.ts';
import { section } from './schema-values.ts';

const schema = section(discoveryKeys);
const read = (discovery: object) => discoveryConfig(v.parse(schema, discovery));

describe('peer.discovery', () => {
  it("has the defaults of Fabric's sample", () => {
    expect(read({})).toEqual({ enabled: true, rememberedVerdicts: 1000, retainedVerdicts: 0.75, orgMembersAllowed: false });
  });

  it('takes what it says', () => {
    expect(read({ enabled: 'false', authcachemaxsize: 7, authcachepurgeretentionratio: 0.5, orgmembersallowedaccess: true })).toEqual({
      enabled: false,
      rememberedVerdicts: 7,
      retainedVerdicts: 0.5,
      orgMembersAllowed: true,
    });
    expect(read({ authcacheenabled: false }).rememberedVerdicts).toBe(0);
  });

  it.each([
    [{ authcachepurgeretentionratio: 1.5 }],
    [{ authcachepurgeretentionratio: '75%' }],
    [{ authcachemaxsize: -1 }],
    [{ enabled: 'yes' }],
  ])('refuses %j', (keys) => {
    expect(v.safeParse(schema, keys).success).toBe(false);
  });
});
