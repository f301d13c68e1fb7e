import { describe, expect, it } from 'vitest';
import { protos } from '../../protos/messages.ts';
import { definitionOf } from './definition.ts';
import type { DefinitionFlags } from './lifecycle-flags.ts';

const FLAGS: DefinitionFlags = { channelID: 'mychannel', name: 'basic', version: '1.0', sequence: 1n };
const place = { cwd: '/' };
const policyIn = (flags: Partial<DefinitionFlags>) =>
  protos.ApplicationPolicy.decode(definitionOf({ ...FLAGS, ...flags }, place).validationParameter ?? new Uint8Array(0));

describe('the flags of a definition', () => {
  it('leave to the channel what they do not say', () => {
    expect(definitionOf(FLAGS, place)).toEqual({ channelId: 'mychannel', name: 'basic', version: '1.0', sequence: 1n });
  });

  it('name a policy in words or by its name', () => {
    expect(policyIn({ signaturePolicy: "OR('Org1MSP.peer')" }).signaturePolicy?.identities).toHaveLength(1);
    expect(policyIn({ channelConfigPolicy: 'Mine' }).channelConfigPolicyReference).toBe('Mine');
  });

  it.each<[Partial<DefinitionFlags>, string]>([
    [{ channelID: '' }, "The required parameter 'channelID' is empty. Rerun the command with -C flag"],
    [{ name: '' }, "The required parameter 'name' is empty. Rerun the command with -n flag"],
    [{ version: '' }, "The required parameter 'version' is empty. Rerun the command with -v flag"],
    [{ sequence: 0n }, "The required parameter 'sequence' is empty. Rerun the command with --sequence flag"],
    [{ signaturePolicy: 'OR(', channelConfigPolicy: 'x' }, 'cannot specify both "--signature-policy" and "--channel-config-policy"'],
    [{ signaturePolicy: 'OR(' }, 'invalid policy OR('],
    [{ collectionsConfig: 'nothing-there.json' }, 'cannot read /nothing-there.json'],
  ])('with %o are refused', (wrong, message) => {
    expect(() => definitionOf({ ...FLAGS, ...wrong }, place)).toThrow(
      expect.objectContaining({ code: 'SETTING_INVALID', message: expect.stringContaining(message) }),
    );
  });
});
