/** Of a data flow, as Data Plane Signaling names them; `INITIALIZED` is one that there is no record of yet. */
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

/** What a control plane sends, and `ready`: the data that a flow waits for are there. */
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

/** `repeat`: what the message asks for holds already, since its answer may have got lost. */
export type Transition = { to: FlowState } | 'repeat' | 'refused'

export function isTerminal(state: FlowState): boolean {
  return state === 'COMPLETED' || state === 'TERMINATED'
}

/**
 * What a message does to a flow. `dataReady`: its data are there, so that no transition has to wait for them.
 * `by` is the message that led to the present state.
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
