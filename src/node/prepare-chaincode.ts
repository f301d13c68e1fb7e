import type { Chaincodes } from '../chaincode/chaincodes.ts';
import type { Channel, Channels } from '../channel/channel.ts';
import type { Cancellable } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import { type ChaincodeDefinition, type Definitions, readsOf } from '../lifecycle/definitions.ts';

interface PrepareParts {
  readonly channels: Channels;
  readonly definitions: Definitions;
  readonly chaincodes: Pick<Chaincodes, 'makeReady'>;
}

/**
 * Launches the chaincode that a channel has under a name, as an endorsement would before it simulates.
 *
 * @throws {SelvageError} `CHANNEL_NOT_FOUND`, `CHAINCODE_NOT_FOUND`, and what a package check or a launch fails with
 */
export async function prepareChaincode(
  { channels, definitions, chaincodes }: PrepareParts,
  { channelId, name }: { readonly channelId: string; readonly name: string },
  options: Cancellable,
): Promise<void> {
  const channel = channels.get(channelId);
  if (channel === undefined) throw new SelvageError('CHANNEL_NOT_FOUND', `channel ${channelId} not found`);
  const definition = await definitionOf(channel, definitions, name);
  if (definition === undefined) throw new SelvageError('CHAINCODE_NOT_FOUND', `channel ${channelId} has no chaincode ${name}`);
  await definitions.checkRunnable(definition);
  await chaincodes.makeReady(definition, options);
}

/** The snapshot is released before anything is built or started. What is replaced while it is looked up is looked up again. */
async function definitionOf({ id, ledger }: Channel, definitions: Definitions, name: string): Promise<ChaincodeDefinition | undefined> {
  for (;;) {
    using snapshot = ledger.snapshot();
    try {
      return await definitions.find(readsOf(snapshot), name, id);
    } catch (thrown) {
      if (!(thrown instanceof SelvageError) || thrown.code !== 'DEFINITION_CHANGED') throw thrown;
    }
  }
}
