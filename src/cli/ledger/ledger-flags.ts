export interface VerifyFlags {
  readonly channelID?: string;
  readonly path?: string;
  readonly state?: boolean;
}
