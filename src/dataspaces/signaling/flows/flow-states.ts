/** States of a data flow (Dataplane Signaling); `INITIALIZED` is a flow without a record. */
export const flowStates = [
  'INITIALIZED',
  'PREPARING',
  'PREPARED',
  'STARTING',
  'STARTED',
  'SUSPENDED',
  'COMPLETED',
  'TERMINATED',
] as const
export type FlowState = (typeof flowStates)[number]

/** Messages of a control plane, and `ready`: the flow's data exists now. */
export const flowMessages = [
  'prepare',
  'start',
  'started',
  'suspend',
  'resume',
  'completed',
  'terminate',
  'ready',
] as const
export type FlowMessage = (typeof flowMessages)[number]

/** `repeat`: the message's effect holds already; its first answer may have been lost. */
export type Transition = { to: FlowState } | 'repeat' | 'refused'

export function isTerminalFlowState(state: FlowState): boolean {
  return state === 'COMPLETED' || state === 'TERMINATED'
}

/**
 * A message's effect on a flow's state. `dataReady`: the data exists, so no transition waits for
 * it. `by`: the message that led to the present state.
 */
export function transition(
  state: FlowState,
  message: FlowMessage,
  { dataReady, by }: { dataReady: boolean; by?: FlowMessage | undefined },
): Transition {
  switch (message) {
    case 'prepare':
      return state === 'INITIALIZED' ? { to: dataReady ? 'PREPARED' : 'PREPARING' } : 'refused'
    case 'start':
      if (state !== 'INITIALIZED' && state !== 'PREPARED') return 'refused'
      return { to: dataReady ? 'STARTED' : 'STARTING' }
    case 'ready':
      return whenReady(state, by)
    case 'started':
      return state === 'PREPARED' ? { to: 'STARTED' } : repeatIn('STARTED', state)
    case 'suspend':
      return state === 'STARTED' ? { to: 'SUSPENDED' } : repeatIn('SUSPENDED', state)
    case 'resume':
      if (state === 'SUSPENDED') return { to: 'STARTED' }
      return state === 'STARTED' && by === 'resume' ? 'repeat' : 'refused'
    case 'completed':
      return state === 'STARTED' ? { to: 'COMPLETED' } : repeatIn('COMPLETED', state)
    case 'terminate':
      if (state === 'INITIALIZED' || state === 'COMPLETED') return 'refused'
      return state === 'TERMINATED' ? 'repeat' : { to: 'TERMINATED' }
  }
}

function whenReady(state: FlowState, by: FlowMessage | undefined): Transition {
  if (state === 'PREPARING') return { to: 'PREPARED' }
  if (state === 'STARTING') return { to: 'STARTED' }
  return (state === 'PREPARED' || state === 'STARTED') && by === 'ready' ? 'repeat' : 'refused'
}

function repeatIn(wanted: FlowState, state: FlowState): Transition {
  return state === wanted ? 'repeat' : 'refused'
}
