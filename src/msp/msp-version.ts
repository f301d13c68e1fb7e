/** The rule sets that MSPs went through; a channel's capabilities say which one holds. */
export type MspVersion = '1.0' | '1.1' | '1.3' | '1.4.3' | '3.0';

const ORDER: readonly MspVersion[] = ['1.0', '1.1', '1.3', '1.4.3', '3.0'];

export const isAtLeast = (version: MspVersion, least: MspVersion): boolean => ORDER.indexOf(version) >= ORDER.indexOf(least);

/**
 * @param channelCapabilityLevel the highest capability of the Channel group, `''` for none
 * @see MSPVersion in hyperledger/fabric v3.1, common/capabilities/channel.go
 */
export function mspVersionOf(channelCapabilityLevel: string): MspVersion {
  switch (channelCapabilityLevel) {
    case '':
      return '1.0';
    case 'V1_1':
      return '1.1';
    case 'V1_3':
    case 'V1_4_2':
      return '1.3';
    case 'V3_0':
      return '3.0';
    default:
      return '1.4.3';
  }
}
