/** The flags that make up a chaincode definition. */
import { resolve } from 'node:path';
import type { DefinitionSpec } from '../../client/lifecycle-calls.ts';
import { protos } from '../../protos/messages.ts';
import { readCollections } from '../chaincode/collections.ts';
import { applicationPolicyOf } from '../chaincode/policy-flag.ts';
import { missing, required } from '../operands.ts';
import type { Terminal } from '../terminal.ts';
import type { DefinitionFlags } from './lifecycle-flags.ts';

/** @throws {SelvageError} `SETTING_INVALID` naming the flag that is missing or wrong */
export function definitionOf(flags: DefinitionFlags, { cwd }: Pick<Terminal, 'cwd'>): DefinitionSpec {
  const { channelID, name, version, collectionsConfig } = flags;
  required('channelID', channelID, '-C');
  required('name', name, '-n');
  required('version', version, '-v');
  const { sequence = 0n } = flags;
  if (sequence === 0n) throw missing('sequence', '--sequence');
  return {
    channelId: channelID,
    name,
    version,
    sequence,
    endorsementPlugin: flags.endorsementPlugin,
    validationPlugin: flags.validationPlugin,
    validationParameter: validationParameter(flags),
    collections: collectionsConfig === undefined ? undefined : readCollections(resolve(cwd, collectionsConfig)),
    initRequired: flags.initRequired,
  };
}

/** `ApplicationPolicy` bytes; undefined for the channel's default. */
function validationParameter({ signaturePolicy = '', channelConfigPolicy = '' }: DefinitionFlags): Uint8Array | undefined {
  const policy = applicationPolicyOf(signaturePolicy, channelConfigPolicy);
  return policy && protos.ApplicationPolicy.encode(policy);
}
