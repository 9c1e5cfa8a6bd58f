/** What clients have asked for since the start, under Redis's names for `INFO`. */
export class ClientCounters {
  totalConnectionsReceived = 0;
  totalCommandsProcessed = 0;
}
