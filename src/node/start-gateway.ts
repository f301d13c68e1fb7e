import type { Method } from '../comm/method.ts';
import type { Scope } from '../common/scope.ts';
import { Connections } from '../gateway/connections.ts';
import { Gateway, type GatewayParts } from '../gateway/gateway.ts';
import { gatewayService } from '../services/gateway-service.ts';
import type { PeerConfig } from './config/peer-config.ts';
import type { TlsIdentity } from './orderers/orderer-rotation.ts';

export interface GatewayServiceParts extends Omit<GatewayParts, 'connections' | 'mspId' | 'endorsementTimeoutMs' | 'broadcastTimeoutMs'> {
  /** How this peer is known by TLS; undefined where nobody speaks it. */
  readonly tls: TlsIdentity | undefined;
  /** Owns the connections. */
  readonly scope: Scope;
}

/** The gateway, where it is switched on. */
export function startGateway({ gateway, localMspId }: PeerConfig, { tls, scope, ...parts }: GatewayServiceParts): Method[] {
  if (!gateway.enabled) return [];
  const { endorsementTimeoutMs, broadcastTimeoutMs, dialTimeoutMs, concurrency } = gateway;
  const connections = scope.use(new Connections({ tls, dialTimeoutMs }));
  const served = new Gateway({ ...parts, connections, mspId: localMspId, endorsementTimeoutMs, broadcastTimeoutMs });
  return gatewayService(served, { concurrency });
}
