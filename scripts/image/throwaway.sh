# shellcheck shell=bash
# A throw-away guest under plain qemu-system-x86_64, for measure.sh and the tests of the image. Sourced, never run; needs lib.sh.
# Its network is QEMU's user-mode one: reachable at a port of 127.0.0.1 only, with documentation addresses (RFC 5737) inside.

readonly GUEST_NET=192.0.2.0/24 GUEST_ADDRESS=192.0.2.15 GUEST_GATEWAY=192.0.2.2 GUEST_MASK=255.255.255.0
readonly GUEST_TIMEOUT=${LVS_DR_GUEST_TIMEOUT:-180}
guest_work='' guest_pid='' guest_port=''

# CPU seconds (user + system) that the guest's QEMU has used so far.
guest_cpu() {
    local -a stat
    read -ra stat <"/proc/$guest_pid/stat"
    awk -v t="$((stat[13] + stat[14]))" -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.1f", t / hz }'
}

free_port() {
    local port
    while port=$((20000 + RANDOM % 10000)) && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}

# What the program makes for each guest: host key and authorized key, as a tar that becomes the second disk.
make_seed() {
    local tree=$guest_work/seed
    mkdir -p "$tree/etc/ssh" "$tree/root/.ssh"
    ssh-keygen -q -t ed25519 -N '' -C host -f "$tree/etc/ssh/ssh_host_ed25519_key"
    ssh-keygen -q -t ed25519 -N '' -C throwaway -f "$guest_work/id"
    install -m 0600 "$guest_work/id.pub" "$tree/root/.ssh/authorized_keys"
    tar -C "$tree" --format=ustar --owner=0 --group=0 -cf "$guest_work/seed.tar" etc root
    echo "[127.0.0.1]:$guest_port $(cut -d' ' -f1,2 "$tree/etc/ssh/ssh_host_ed25519_key.pub")" >"$guest_work/known_hosts"
}

# Start a guest from the image in DIRECTORY, with MORE words on its kernel command line. $CPU: QEMU's CPU model, qemu64 unless told; $MEMORY: MiB, 384
# unless told; $CPUS: one unless told.
guest_start() {
    local image=$1 more=${2:-} prescribed
    guest_work=$(mktemp -d)
    guest_port=$(free_port)
    make_seed
    mkfifo "$guest_work/monitor.in" "$guest_work/monitor.out"
    qemu-img create -q -f qcow2 -F qcow2 -b "$(realpath "$image")/disk.qcow2" "$guest_work/root.qcow2"
    prescribed=$(jq -r .cmdline "$image/manifest.json")
    qemu-system-x86_64 -name lvs-dr-throwaway -machine pc -accel tcg,tb-size=128 -cpu "${CPU:-qemu64}" -m "${MEMORY:-384}" -smp "${CPUS:-1}" -nodefaults -display none \
        -serial "file:$guest_work/serial" -chardev "pipe,id=monitor,path=$guest_work/monitor" -mon chardev=monitor \
        -kernel "$image/vmlinuz" -initrd "$image/initrd.img" \
        -append "$prescribed clocksource=hpet systemd.hostname=throwaway ip=$GUEST_ADDRESS::$GUEST_GATEWAY:$GUEST_MASK:throwaway:eth0:off $more" \
        -drive "if=none,id=root,file=$guest_work/root.qcow2,format=qcow2,cache=unsafe" -device virtio-blk-pci,drive=root \
        -drive "if=none,id=seed,file=$guest_work/seed.tar,format=raw,readonly=on" -device virtio-blk-pci,drive=seed \
        -netdev "user,id=n0,net=$GUEST_NET,restrict=on,hostfwd=tcp:127.0.0.1:$guest_port-$GUEST_ADDRESS:22" \
        -device virtio-net-pci,netdev=n0,romfile= \
        -object rng-random,id=rng0,filename=/dev/urandom -device virtio-rng-pci,rng=rng0 &
    guest_pid=$!
}

# Wait until sshd's banner has been read. Tries are patient, and more so each time: the user-mode network accepts at once and connects later, so
# hasty tries would all land on the guest as soon as it is up, each for a process of sshd's.
guest_wait() {
    local begin=$SECONDS deadline=$((SECONDS + GUEST_TIMEOUT)) banner='' patience=1
    until [[ $banner == SSH-* ]]; do
        ((SECONDS < deadline)) || die "no SSH banner within $GUEST_TIMEOUT s"
        guest_alive || die "QEMU has ended"
        { exec 3<>"/dev/tcp/127.0.0.1/$guest_port" && read -r -t "$patience" -u 3 banner; } 2>/dev/null || true
        exec 3<&- 2>/dev/null || true
        ((SECONDS - begin < 8 || patience >= 15)) || patience=$((patience + 1))
    done
}

guest_alive() { kill -0 "$guest_pid" 2>/dev/null; }

# Run a command in the guest over SSH.
guest_ssh() {
    ssh -q -F none -i "$guest_work/id" -o UserKnownHostsFile="$guest_work/known_hosts" -o StrictHostKeyChecking=yes -o ConnectTimeout=30 \
        -o BatchMode=yes -p "$guest_port" root@127.0.0.1 "$@"
}

guest_stop() {
    [[ -z $guest_pid ]] || { kill "$guest_pid" && wait "$guest_pid"; } 2>/dev/null || true
    [[ -z $guest_work ]] || rm -rf "$guest_work"
    guest_pid='' guest_work=''
}
