export interface DevFlags {
  readonly channel?: readonly string[];
  readonly name?: string;
  readonly orgs?: string;
  readonly tls?: boolean;
  readonly mutualTls?: boolean;
  readonly data?: string;
  readonly portBase?: string;
  readonly block: string;
  readonly lifecycle?: string;
  readonly policy?: string;
  readonly ctor?: string;
  /** False for `--no-collections-config`. */
  readonly collectionsConfig?: string | false;
  readonly user?: readonly string[];
  readonly empty?: boolean;
  readonly once?: boolean;
  readonly replicas?: string;
  readonly inspect?: boolean;
  readonly watch?: boolean;
  /** False for `--no-rich-queries`. */
  readonly richQueries?: boolean;
  readonly json?: boolean;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
}
