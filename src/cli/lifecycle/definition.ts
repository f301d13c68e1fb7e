/** The flags that make up a chaincode definition. */
import { resolve } from 'node:path';
import type { DefinitionSpec } from '../../client/lifecycle-calls.ts';
import { SelvageError } from '../../common/errors.ts';
import { protos } from '../../protos/messages.ts';
import { collectionList } from '../chaincode/collections.ts';
import { policyOf } from '../chaincode/policy-flag.ts';
import { readText } from '../connections.ts';
import type { Terminal } from '../terminal.ts';
import type { DefinitionFlags } from './lifecycle-commands.ts';

/** @throws {SelvageError} `SETTING_INVALID` naming the flag that is missing or wrong */
export function definitionOf(flags: DefinitionFlags, { cwd }: Pick<Terminal, 'cwd'>): DefinitionSpec {
  const { channelID, name, version, collectionsConfig } = flags;
  required('channelID', channelID, '-C');
  required('name', name, '-n');
  required('version', version, '-v');
  const sequence = sequenceFlag(flags.sequence);
  if (sequence === 0n) throw missing('sequence', '--sequence');
  return {
    channelId: channelID,
    name,
    version,
    sequence,
    endorsementPlugin: flags.endorsementPlugin,
    validationPlugin: flags.validationPlugin,
    validationParameter: validationParameter(flags),
    collections:
      collectionsConfig === undefined ? undefined : collectionList(readText(resolve(cwd, collectionsConfig)), { maxPeerCount: 1 }),
    initRequired: flags.initRequired,
  };
}

/** @throws {SelvageError} `SETTING_INVALID` for an empty value */
export function required(parameter: string, value: string | undefined, flag: string): void {
  if (value === undefined || value === '') throw missing(parameter, flag);
}

const missing = (parameter: string, flag: string): SelvageError =>
  new SelvageError('SETTING_INVALID', `The required parameter '${parameter}' is empty. Rerun the command with ${flag} flag`);

const MAX_INT64 = 2n ** 63n - 1n;

/** 0n where it is left out. @throws {SelvageError} `SETTING_INVALID` */
export function sequenceFlag(text: string | undefined): bigint {
  if (text === undefined) return 0n;
  const value = /^\d{1,19}$/.test(text) ? BigInt(text) : undefined;
  if (value !== undefined && value <= MAX_INT64) return value;
  throw new SelvageError('SETTING_INVALID', `invalid argument "${text}" for "--sequence" flag`, {
    advice: 'Write a whole number: 1 for a new chaincode, one more than querycommitted tells for a change.',
  });
}

/** `ApplicationPolicy` bytes; undefined for the channel's default. */
function validationParameter({ signaturePolicy, channelConfigPolicy }: DefinitionFlags): Uint8Array | undefined {
  if (signaturePolicy && channelConfigPolicy)
    throw new SelvageError('SETTING_INVALID', 'cannot specify both "--signature-policy" and "--channel-config-policy"');
  if (signaturePolicy) return protos.ApplicationPolicy.encode({ signaturePolicy: policyOf(signaturePolicy) });
  if (channelConfigPolicy) return protos.ApplicationPolicy.encode({ channelConfigPolicyReference: channelConfigPolicy });
  return undefined;
}
