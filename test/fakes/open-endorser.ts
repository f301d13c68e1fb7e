/** An endorser on one open channel `ch` with chaincode `cc`, for tests of what an endorser does rather than whom it trusts. */

import { textOf, utf8 } from '../../src/common/bytes.ts';
import { Endorser, type EndorserParts } from '../../src/endorser/endorser.ts';
import { defaultDecorator } from '../../src/endorser/handlers/decorators.ts';
import { defaultEndorsement } from '../../src/endorser/handlers/endorsement.ts';
import type { Handlers } from '../../src/endorser/handlers/library.ts';
import type { ChaincodeDefinition, Definitions } from '../../src/lifecycle/definitions.ts';
import type { ProposalAccess } from '../../src/msp/acl.ts';
import { keptHere } from './private-data.ts';
import { openBundle, trusting } from './proposals.ts';
import { channelsOf, memoryChannel } from './recorded-channel.ts';
import { definition, hashingSigner } from './recorded-endorser.ts';
import type { ScriptedChaincodes } from './scripted-chaincodes.ts';

/** Definitions as state under namespace `lscc`: the value is the version. */
export const stateDefinitions: Definitions = {
  async find(state, name): Promise<ChaincodeDefinition | undefined> {
    const version = await state.getState('lscc', name);
    return version === undefined ? undefined : definition(name, textOf(version));
  },
  checkRunnable: async () => undefined,
};

export const allowAll: ProposalAccess = { check: async () => undefined, checkCreator: () => undefined, checkLocal: async () => undefined };

export const HANDLERS: Handlers = { filters: [], decorators: [defaultDecorator], endorsements: new Map([['escc', defaultEndorsement]]) };

export function openEndorser(
  chaincodes: ScriptedChaincodes,
  { lifecycleV20 = false, halted, ...changed }: Partial<EndorserParts> & { readonly lifecycleV20?: boolean; readonly halted?: Error } = {},
) {
  const channel = { ...memoryChannel(openBundle('ch', { lifecycleV20 })), halted: () => halted };
  channel.ledger.state.put('lscc', 'cc', utf8('1.0'), [3n, 0n]);
  const endorser = new Endorser({
    channels: channelsOf(channel),
    localMsp: trusting,
    access: allowAll,
    signer: hashingSigner,
    chaincodes,
    definitions: stateDefinitions,
    systemChaincodes: [{ name: 'hidden', fromProposal: false }],
    privateData: keptHere,
    handlers: HANDLERS,
    ...changed,
  });
  return { endorser, ledger: channel.ledger, channel };
}

export const never = { signal: new AbortController().signal } as const;
