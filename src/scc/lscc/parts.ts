import type { PackageStore } from '../../packages/package-store.ts';
import type { ChannelAccessParts } from '../access.ts';

export interface LsccParts extends ChannelAccessParts {
  readonly packages: Pick<PackageStore, 'install' | 'find' | 'load' | 'list'>;
  readonly isSystem: (name: string) => boolean;
  /** Names of the plugins this peer can endorse and validate with, `escc` and `vscc` among them. */
  readonly endorsementPlugins: ReadonlySet<string>;
  readonly validationPlugins: ReadonlySet<string>;
}
