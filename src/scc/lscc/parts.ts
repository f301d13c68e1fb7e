import type { ChaincodeCall } from '../../chaincode/chaincodes.ts';
import type { Cancellable } from '../../common/cancel.ts';
import type { ChaincodePackage } from '../../packages/chaincode-package.ts';
import type { PackageStore } from '../../packages/package-store.ts';
import type { ChannelAccessParts } from '../access.ts';
import type { LsccWords } from './words.ts';

export interface LsccParts extends ChannelAccessParts {
  readonly packages: Pick<PackageStore, 'install' | 'find' | 'load' | 'list'>;
  /** Builds what was installed; absent where the user runs the chaincode. */
  readonly build?: ((installed: ChaincodePackage, options: Cancellable) => Promise<void>) | undefined;
  readonly isSystem: (name: string) => boolean;
  /** Names of the plugins this peer can endorse and validate with, `escc` and `vscc` among them. */
  readonly endorsementPlugins: ReadonlySet<string>;
  readonly validationPlugins: ReadonlySet<string>;
}

/** One call: the function as it was named, and whose words it is answered in. */
export interface Asked {
  readonly fn: string;
  readonly args: readonly Uint8Array[];
  readonly call: ChaincodeCall;
  readonly words: LsccWords;
}
