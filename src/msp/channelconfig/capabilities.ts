import { SelvageError } from '../../common/errors.ts';
import type { ApplicationCapabilities } from './channel-bundle.ts';

/** Levels of each group, lowest first; each implies the ones before it. */
const LEVELS = {
  Channel: ['V1_1', 'V1_3', 'V1_4_2', 'V1_4_3', 'V2_0', 'V3_0'],
  Orderer: ['V1_1', 'V1_4_2', 'V2_0'],
  Application: ['V1_1', 'V1_2', 'V1_3', 'V1_4_2', 'V2_0', 'V2_5'],
} as const;

/** Known names that are no level: previews of Fabric 1.1. */
const PREVIEWS = { Channel: [], Orderer: [], Application: ['V1_1_PVTDATA_EXPERIMENTAL', 'V1_1_RESOURCETREE_EXPERIMENTAL'] } as const;

export type CapabilityGroup = keyof typeof LEVELS;

/** The capabilities one group of a configuration names. */
export class Capabilities {
  /** The highest named level, '' when none is. */
  readonly level: string;
  readonly #group: CapabilityGroup;
  readonly #names: ReadonlySet<string>;

  /**
   * @throws {SelvageError} `CONFIG_INVALID` for a capability this peer does not know: it must not process such a channel
   * @see Supported in hyperledger/fabric v2.5, common/capabilities/capabilities.go
   */
  constructor(group: CapabilityGroup, names: Iterable<string>) {
    this.#group = group;
    this.#names = new Set(names);
    const known: readonly string[] = [...LEVELS[group], ...PREVIEWS[group]];
    const unknown = [...this.#names].filter((name) => !known.includes(name)).sort()[0];
    if (unknown !== undefined) {
      throw new SelvageError('CONFIG_INVALID', `${group} capability ${unknown} is required but not supported`, {
        details: { capability: unknown },
        advice: 'Use a version of Selvage that knows this capability.',
      });
    }
    this.level = LEVELS[group].findLast((name) => this.#names.has(name)) ?? '';
  }

  /** Whether this level or a higher one is named. */
  has(level: string): boolean {
    const levels: readonly string[] = LEVELS[this.#group];
    return levels.indexOf(this.level) >= levels.indexOf(level);
  }

  /** Whether exactly this name is there; for the previews, which no level implies. */
  names(name: string): boolean {
    return this.#names.has(name);
  }
}

/** @see ApplicationProvider in hyperledger/fabric v2.5, common/capabilities/application.go */
export const applicationCapabilities = (capabilities: Capabilities): ApplicationCapabilities => ({
  level: capabilities.level,
  v11Validation: capabilities.has('V1_1'),
  v12Validation: capabilities.has('V1_2'),
  v13Validation: capabilities.has('V1_3'),
  v20Validation: capabilities.has('V2_0'),
  privateChannelData: capabilities.has('V1_2') || capabilities.names('V1_1_PVTDATA_EXPERIMENTAL'),
  collectionUpgrade: capabilities.has('V1_2'),
  keyLevelEndorsement: capabilities.has('V1_3'),
  acls: capabilities.has('V1_2'),
  storePvtDataOfInvalidTx: capabilities.has('V1_4_2'),
  lifecycleV20: capabilities.has('V2_0'),
  purgePvtData: capabilities.has('V2_5'),
});
