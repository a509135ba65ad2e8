import { closeSync } from 'node:fs'
import { lookup } from 'node:dns/promises'
import { isIP, SocketAddress } from 'node:net'
import type { HandedSocket, LentSocket, ListenSocket } from '../core/listen-socket.ts'
import { duplicateSockets } from './duplicate-sockets.ts'
import { LentSockets, type LentStock } from './lent-sockets.ts'
import type { ListenerAddress, OpenListener } from './open-listeners.ts'
import type { ThreadPlan } from './thread-plan.ts'

/** By this name systemd's socket is the admin server's. */
const adminName = 'admin'

export interface AdoptOptions {
  readonly listeners: readonly ListenerAddress[]
  readonly admin: Omit<ListenerAddress, 'name'>
  readonly handed: readonly HandedSocket[]
  readonly lent: readonly LentSocket[]
  readonly plan: ThreadPlan
  /** Columns of the Ledger. */
  readonly columns: number
  readonly onProblem: (message: string) => void
}

/** What became of the sockets that this process was started with. */
export interface AdoptedSockets {
  /** Those of a predecessor, each for one thread. */
  readonly given: readonly ListenSocket[]
  readonly lent: LentSockets
  readonly admin: HandedSocket | null
  /** What listens already, as `openListeners` is told: listeners of ours, and addresses that the predecessor gives up. */
  readonly open: readonly OpenListener<ListenerAddress>[]
  /** Sockets that no listener wants, closed. */
  readonly unclaimed: readonly { readonly name: string; readonly address: string }[]
}

/** A socket as listeners are compared with it. `copies` where it has to be copied. */
interface Found extends HandedSocket {
  readonly copies: readonly number[]
  /** Its name says whose it is, whatever it listens on. */
  readonly isNamed: boolean
}

/**
 * Gives inherited sockets to the listeners of a configuration, by address; those of systemd by name, too. Each socket that a predecessor
 * listened on goes to one thread; one that is lent, or that no other can be opened beside, is copied for every thread.
 */
export async function adoptSockets(options: AdoptOptions): Promise<AdoptedSockets> {
  const { listeners, admin, onProblem } = options
  const spare = 2 * options.columns
  const found = await look(options, spare)
  const open: OpenListener<ListenerAddress>[] = []
  const given: ListenSocket[] = []
  const stocks: LentStock[] = []
  const unclaimed: { name: string; address: string }[] = []
  let adminSocket: HandedSocket | null = null
  for (const socket of found) {
    const wanted = await claimant(socket, listeners, admin)
    if (wanted === 'admin' && adminSocket === null) {
      adminSocket = socket
      for (const fd of socket.copies) closeSync(fd)
      continue
    }
    if (wanted === null || wanted === 'admin') {
      for (const fd of [socket.fd, ...socket.copies]) closeSync(fd)
      unclaimed.push({ name: socket.listener, address: `${socket.host}:${socket.port}` })
      // Free as soon as the predecessor gives it up, and ours to open beside it.
      if (!socket.isLent && socket.copies.length === 0) open.push({ ...socket, name: '' })
      continue
    }
    const { port } = socket
    const ours = { fd: socket.fd, listener: wanted.name, host: wanted.host, port }
    open.push({ name: wanted.name, host: wanted.host, port, configuredPort: wanted.port })
    if (socket.copies.length > 0) stocks.push({ socket: ours, isLent: socket.isLent, copies: socket.copies })
    else given.push(ours)
  }
  return { given, lent: new LentSockets(stocks, spare, onProblem), admin: adminSocket, open, unclaimed }
}

async function look({ handed, lent, plan }: AdoptOptions, spare: number): Promise<Found[]> {
  // Where one thread listens alone, it may have the socket itself.
  const isCopied = ({ isLent, reusePort, isAdmin }: HandedSocket) =>
    !isAdmin && (isLent || (!reusePort && plan.sharesPorts))
  const toCopy = handed.filter(isCopied)
  const made = await duplicateSockets(
    [...toCopy, ...lent].map(({ fd }) => fd),
    spare,
  )
  const known = handed.map((socket): Found => {
    const copies = made[toCopy.indexOf(socket)]?.copies ?? []
    return { ...socket, copies, isNamed: false }
  })
  const seen = lent.map(({ fd, name }, index): Found => {
    const { address, copies } = made[toCopy.length + index] ?? { address: null, copies: [] }
    const { host, port } = address ?? { host: '', port: 0 }
    const shared = { fd, host, port, copies, configuredPort: port, isAdmin: false, reusePort: false, isLent: true }
    return { ...shared, listener: name ?? 'unnamed', isNamed: name !== null && address !== null }
  })
  return [...known, ...seen]
}

async function claimant(
  socket: Found,
  listeners: readonly ListenerAddress[],
  admin: Omit<ListenerAddress, 'name'>,
): Promise<ListenerAddress | 'admin' | null> {
  const wants = async (wanted: Omit<ListenerAddress, 'name'>, isNamesake: boolean) => {
    if (isNamesake && socket.isNamed) return true
    const isSamePort = wanted.port === 0 ? isNamesake && socket.configuredPort === 0 : wanted.port === socket.port
    return isSamePort && (await isSameHost(wanted.host, socket.host))
  }
  if (!socket.isAdmin) {
    const namesakesFirst = listeners.toSorted(
      (a, b) => Number(b.name === socket.listener) - Number(a.name === socket.listener),
    )
    for (const listener of namesakesFirst) if (await wants(listener, listener.name === socket.listener)) return listener
  }
  const mayBeAdmin = socket.isAdmin || socket.copies.length > 0
  return mayBeAdmin && (await wants(admin, socket.isAdmin || socket.listener === adminName)) ? 'admin' : null
}

async function isSameHost(wanted: string, open: string): Promise<boolean> {
  if (wanted === open) return true
  // An IPv6 socket for every interface takes IPv4 along: systemd's `ListenStream=8080` is one.
  if (wanted === '0.0.0.0' && open === '::') return true
  const family = isIP(wanted)
  if (family !== 0) return canonical(wanted, family) === canonical(open, isIP(open))
  const addresses = await lookup(wanted, { all: true }).catch(() => [])
  return addresses.some(({ address }) => address === open)
}

function canonical(address: string, family: number): string {
  return family === 6 ? new SocketAddress({ address, family: 'ipv6' }).address : address
}
