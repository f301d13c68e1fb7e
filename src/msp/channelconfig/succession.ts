import { SelvageError } from '../../common/errors.ts';
import type { ChannelBundle } from './channel-bundle.ts';

interface NamedOrg {
  readonly name: string;
  readonly mspId: string;
}

/**
 * Refuses a configuration that may not follow the current one, whoever signed it.
 * @throws {SelvageError} `CONFIG_INVALID`
 * @see ValidateNew in hyperledger/fabric v2.5, common/channelconfig/bundle.go
 */
export function checkSuccession(current: ChannelBundle, next: ChannelBundle): void {
  checkOrderer(current, next);
  if (current.application !== undefined) {
    if (next.application === undefined) throw refused('current config has application section, but new config does not');
    checkMspIds('application', current.application.orgs, next.application.orgs);
  }
  const [had, has] = [hasConsortiums(current), hasConsortiums(next)];
  if (had && !has) throw refused('current config has consortiums section, but new config does not');
  if (!had && has) throw refused('current config has no consortiums section, but new config does');
}

/** From this level on the consensus type may be migrated. */
const MIGRATION_LEVELS = ['V1_4_2', 'V1_4_3', 'V2_0', 'V3_0'];

function checkOrderer(current: ChannelBundle, next: ChannelBundle): void {
  if (current.orderer === undefined) return;
  if (next.orderer === undefined) throw refused('current config has orderer section, but new config does not');
  const [from, to] = [current.orderer.consensusType, next.orderer.consensusType];
  if (from !== to && !MIGRATION_LEVELS.includes(current.channelCapabilityLevel)) {
    throw refused(`attempted to change consensus type from ${from} to ${to}`);
  }
  checkMspIds('orderer', current.orderer.orgs, next.orderer.orgs);
}

function checkMspIds(kind: string, current: readonly NamedOrg[], next: readonly NamedOrg[]): void {
  for (const { name, mspId } of current) {
    const following = next.find((org) => org.name === name)?.mspId ?? mspId;
    if (following !== mspId) throw refused(`${kind} org ${name} attempted to change MSP ID from ${mspId} to ${following}`);
  }
}

const hasConsortiums = ({ config }: ChannelBundle): boolean => config.channelGroup?.groups.has('Consortiums') ?? false;

const refused = (message: string): SelvageError => new SelvageError('CONFIG_INVALID', message);
