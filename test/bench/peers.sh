#!/usr/bin/env bash
# test/bench/peers.sh [TOOL…]: the same five guests, configured as the source article does, by scripts/lab and by the tools that people use
# instead (ansible, vagrant, kcli; all of them if none is named). One run is one round: it adds its figures to .lab/bench/peers.tsv
# and prints the table of all rounds in there, with ratios to the lab's domains started bare by virsh. Remove that file for a new session of
# measuring. Run it as root, on a machine that does nothing else: about three minutes without kcli, and six for kcli without KVM.
#
# What users of these tools write is in test/bench/peers/TOOL, and the role scripts in peers/roles. The tools are installed into .lab/bench
# (from PyPI) and by apt-get (libvirt's Python module, vagrant-libvirt). All guests, networks and disks are removed at the end, whatever it is.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=../../scripts/host/lib.sh
source "$ROOT/scripts/host/lib.sh"

readonly FILES="$ROOT/test/bench/peers" CACHE="$ROOT/.lab/bench" STACK=peers VIP=10.27.0.100 CLIENT=172.27.7.70
readonly RESULTS="$CACHE/peers.tsv" STACK_FILE="$ROOT/Pulumi.$STACK.yaml" KEY="$CACHE/home/.ssh/id_ed25519"
# Named in the users' files too.
readonly POOL=peers-images POOL_DIR=/var/lib/libvirt/images/peers-images
readonly ANSIBLE=12.3.0 KCLI=99.0.202610251748
# Not the first python3 of PATH: Debian's, which sees the libvirt module of Debian's package.
readonly PYTHON=/usr/bin/python3
# The tools' own state and the key that they log in with.
readonly SETTINGS=("HOME=$CACHE/home" "VAGRANT_HOME=$CACHE/vagrant.d" "VAGRANT_DOTFILE_PATH=$CACHE/vagrant"
  "VAGRANT_DEFAULT_PROVIDER=libvirt" "ANSIBLE_PRIVATE_KEY_FILE=$KEY" "LC_ALL=C.UTF-8")

# within TOOL COMMAND…: from the directory of its files, where the guests can be reached.
within() {
  local directory="$FILES/$1"
  shift
  (cd "$directory" && "$LAB" exec env "${SETTINGS[@]}" "$@")
}

apt_packages() {
  dpkg -s "$@" >/dev/null 2>&1 || {
    say "installing Debian's packages: $*"
    apt-get install -y --no-install-recommends "$@" >&2
  }
}

# python_tool COMMAND REQUIREMENT: into a virtual environment of its own.
python_tool() {
  [[ ! -x $CACHE/$1/bin/$1 ]] || return 0
  apt_packages python3-venv python3-libvirt python3-lxml
  say "installing $2 from PyPI into $CACHE/$1"
  "$PYTHON" -m venv --system-site-packages "$CACHE/$1" && "$CACHE/$1/bin/pip" install -q "$2" >&2
}

# golden_image: the project's image with a host key, the user's key and what vagrant expects (an address by DHCP where the kernel's words give
# none, a key exchange that its SSH client knows): what a user would bake once, here for ansible and vagrant.
golden_image() {
  local source raw="$CACHE/disk.raw"
  "$LAB" image >/dev/null
  source=$("$ROOT/scripts/image/path.sh")
  mkdir -p "$POOL_DIR"
  chmod 0711 "$POOL_DIR"
  cp -f "$source"/{vmlinuz,initrd.img,manifest.json} "$POOL_DIR/"
  if [[ ! -e $CACHE/disk.qcow2 || $source/disk.qcow2 -nt $CACHE/disk.qcow2 ]]; then
    qemu-img convert -O raw "$source/disk.qcow2" "$raw"
    sed 's/^KexAlgorithms .*/&,ecdh-sha2-nistp256/' "$ROOT/scripts/image/recipe/rootfs/etc/ssh/sshd_config" >"$CACHE/sshd_config"
    printf '%s\n' '[Match]' Name=eth0 '[Network]' DHCP=ipv4 IPv6AcceptRA=no '[DHCPv4]' UseRoutes=no >"$CACHE/dhcp.network"
    printf '%s\n' "write $KEY.pub /root/.ssh/authorized_keys" 'sif /root/.ssh/authorized_keys mode 0100600' \
      "write $CACHE/host_key /etc/ssh/ssh_host_ed25519_key" "write $CACHE/dhcp.network /etc/systemd/network/80-dhcp.network" \
      'rm /etc/ssh/sshd_config' "write $CACHE/sshd_config /etc/ssh/sshd_config" | debugfs -w -f - "$raw" >/dev/null 2>&1
    qemu-img convert -O qcow2 "$raw" "$CACHE/disk.qcow2"
    rm "$raw"
  fi
  cp -f "$CACHE/disk.qcow2" "$POOL_DIR/"
  virsh -q pool-info "$POOL" >/dev/null 2>&1 || virsh -q pool-define-as "$POOL" dir --target "$POOL_DIR"
  virsh -q pool-start "$POOL" >/dev/null 2>&1 || true
}

# ---- the tools: prepare, up, down, and the files that their user has written ------------------------------------

# Node.js, the node modules and the image are not what is measured.
lab_prepare() { "$LAB" preview --stack "$STACK" >/dev/null; }
lab_up() { "$LAB" up --stack "$STACK"; }
lab_down() { "$LAB" down --stack "$STACK"; }
lab_files() { echo "$FILES/lab/Pulumi.peers.yaml"; }

ansible_prepare() { python_tool ansible-playbook "ansible==$ANSIBLE"; }
ansible_up() { within ansible "$CACHE/ansible-playbook/bin/ansible-playbook" up.yml; }
ansible_down() { within ansible "$CACHE/ansible-playbook/bin/ansible-playbook" down.yml; }
ansible_files() { printf '%s\n' "$FILES"/ansible/* "$FILES"/roles/*; }

# The image is where vagrant would have uploaded it to at the first `up`.
vagrant_prepare() {
  local box="$CACHE/vagrant.d/boxes/lvs-dr/0/libvirt/box.img"
  apt_packages vagrant vagrant-libvirt
  if [[ ! -e $box || $CACHE/disk.qcow2 -nt $box ]]; then
    mkdir -p "$CACHE/box"
    echo '{"provider": "libvirt", "format": "qcow2", "virtual_size": 2}' >"$CACHE/box/metadata.json"
    ln -f "$CACHE/disk.qcow2" "$CACHE/box/box.img"
    tar -C "$CACHE/box" -cf "$CACHE/lvs-dr.box" metadata.json box.img
    within vagrant vagrant box add --force --name lvs-dr "$CACHE/lvs-dr.box" >&2
    touch "$box"
    rm -r "$CACHE/box" "$CACHE/lvs-dr.box"
  fi
  ln -f "$POOL_DIR/disk.qcow2" "$POOL_DIR/lvs-dr_vagrant_box_image_0_$(stat -c %Y "$box")_box.img"
  virsh -q pool-refresh "$POOL"
}
vagrant_up() { within vagrant vagrant up; }
vagrant_down() { within vagrant vagrant destroy --force; }
vagrant_files() { printf '%s\n' "$FILES/vagrant/Vagrantfile" "$FILES"/roles/*; }

# kcli starts no kernel directly and configures guests by cloud-init only, from a SATA CD-ROM, for which Debian's cloud kernel has no driver:
# the tests' cloud image with the other kernel.
kcli_prepare() {
  local build="$CACHE/cloudImage"
  python_tool kcli "kcli==$KCLI"
  rm -rf "$build"
  cp -r "$ROOT/test/lab/cloudImage" "$build"
  sed -i 's/^linux-image-cloud-amd64$/linux-image-amd64/' "$build/packages"
  sed -i 's/virtio_pci virtio_blk ext4/& ahci sr_mod/' "$build/build.sh"
  cp -f "$("$build/build.sh")" "$POOL_DIR/debian12-lvs.qcow2"
  virsh -q pool-refresh "$POOL"
}
kcli_up() { within kcli "$CACHE/kcli/bin/kcli" create plan -f plan.yml peers; }
kcli_down() { within kcli "$CACHE/kcli/bin/kcli" delete plan --yes peers; }
kcli_files() { printf '%s\n' "$FILES/kcli/plan.yml" "$FILES"/roles/*; }

# ---- measuring ---------------------------------------------------------------------------------------------------

# answered: until a real server has answered the client through the VIP, five minutes at most.
answered() {
  local ssh=("$LAB" ssh --stack "$STACK" client)
  [[ $1 == lab ]] || ssh=("$LAB" exec ssh -q -i "$KEY" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=10 "root@$CLIENT")
  wait_for 300 "${ssh[@]}" "timeout 300 sh -c 'until curl -s -m 5 http://$VIP/ | grep -q \"<h1>\"; do sleep 0.2; done'" ||
    die "$1: no real server answers the client at $VIP"
}

brought_up() { "$1_up" && answered "$1"; }

# leftovers: what is there of domains, networks and disks of these names.
leftovers() {
  virsh -q list --all --name | grep -E '^(peers|lvs-dr-peers)-' || true
  virsh -q net-list --all --name | grep -E '^(peers|lvs-dr-peers)-' || true
  find "$POOL_DIR" -type f ! -name disk.qcow2 ! -name debian12-lvs.qcow2 ! -name 'lvs-dr_vagrant_box_image*' ! -name vmlinuz ! -name initrd.img \
    ! -name manifest.json 2>/dev/null || true
}

# children: processor seconds of what this script has started and seen end.
children() { awk -v hz="$(getconf CLK_TCK)" '{sub(/.*\) /, ""); printf "%.1f", ($14 + $15) / hz}' "/proc/$$/stat"; }

# spent: those, and the guests' QEMU's. Not those of the whole machine, on which others may work too; so libvirtd's are not in it.
spent() {
  {
    children && echo
    # Of one that does not run libvirt gives its own time.
    virsh -q domstats --list-running --cpu-total 2>/dev/null | awk -F "[='. ]+" '/^Domain/ {ours = $2 ~ /^(lvs-dr-)?peers-/} ours && /cpu.time=/ {print $NF / 1e9}'
  } | awk '{sum += $1} END {printf "%.1f", sum}'
}

# own STEP: what to count for it.
own() { if [[ $1 == down ]]; then children; else spent; fi; }

# measure TOOL STEP COMMAND…: a line of the results. Guests that end take their processor time with them: of `down` it is the tool's.
measure() {
  local tool=$1 step=$2 begin before
  shift 2
  say "$tool: $step"
  before=$(own "$step") begin=$EPOCHREALTIME
  "$@" >"$CACHE/$tool.$step.log" 2>&1 || die "$tool: $step failed: $(tail -n 5 "$CACHE/$tool.$step.log")"
  printf '%s\t%s\t%s\t%s\n' "$tool" "$step" "$(difference "$begin" "$EPOCHREALTIME")" "$(difference "$before" "$(own "$step")")" >>"$RESULTS"
}

round() {
  local tool=$1 left
  measure "$tool" up brought_up "$tool"
  measure "$tool" again "$1_up"
  if [[ $tool == lab ]]; then
    local guests
    guests=$(addresses "$STACK")
    stop_guests "$STACK"
    measure bare up bare "$STACK" "$guests"
  fi
  measure "$tool" down "$1_down"
  left=$(leftovers)
  [[ -z $left ]] || say "$tool leaves behind: ${left//$'\n'/ }"
}

# lines TOOL: of the user's files, without empty ones and comments.
lines() {
  local file files
  mapfile -t files < <("$1_files")
  cat "${files[@]}" | grep -cvE '^[[:space:]]*(#.*)?$'
}

# cell TOOL STEP COLUMN: the median over the rounds.
cell() {
  local numbers
  mapfile -t numbers < <(awk -F '\t' -v tool="$1" -v step="$2" -v column="$3" '$1 == tool && $2 == step {print $column}' "$RESULTS")
  median "${numbers[@]}"
}

table() {
  local tool bare_seconds bare_busy row
  bare_seconds=$(cell bare up 3) bare_busy=$(cell bare up 4)
  row='| %-7s | %6s | %6s | %7s | %6s | %7s | %9s | %6s | %7s | %6s | %5s |\n'
  # shellcheck disable=SC2059 # the row is the format
  {
    printf "$row" tool rounds 'up, s' 'to bare' 'CPU-s' 'to bare' 'second, s' CPU-s 'down, s' CPU-s lines
    printf "$row" bare "$(grep -c ^bare "$RESULTS")" "$bare_seconds" 1 "$bare_busy" 1 '' '' '' '' ''
    for tool in lab ansible vagrant kcli; do
      grep -q "^$tool	down" "$RESULTS" || continue
      printf "$row" "$tool" "$(grep -c "^$tool	up" "$RESULTS")" "$(cell "$tool" up 3)" "$(ratio "$(cell "$tool" up 3)" "$bare_seconds")" \
        "$(cell "$tool" up 4)" "$(ratio "$(cell "$tool" up 4)" "$bare_busy")" "$(cell "$tool" again 3)" "$(cell "$tool" again 4)" \
        "$(cell "$tool" down 3)" "$(cell "$tool" down 4)" "$(lines "$tool")"
    done
  }
}

# remove_all: whatever was made, however far it came.
remove_all() {
  local name
  set +e
  [[ ! -e $ROOT/.lab/$STACK ]] || "$LAB" down --stack "$STACK" >/dev/null 2>&1
  for name in $(virsh -q list --all --name | grep '^peers-'); do
    virsh -q destroy "$name" 2>/dev/null
    virsh -q undefine "$name"
  done
  for name in $(virsh -q net-list --all --name | grep '^peers-'); do
    virsh -q net-destroy "$name" 2>/dev/null
    virsh -q net-undefine "$name" 2>/dev/null
  done
  virsh -q pool-destroy "$POOL" 2>/dev/null
  virsh -q pool-undefine "$POOL" 2>/dev/null
  rm -rf "$POOL_DIR" "$CACHE/vagrant" "$STACK_FILE"
}

main() {
  local tool status tools=("$@")
  is_root || die "run it as root"
  (($# > 0)) || tools=(lab ansible vagrant kcli)
  # The first round of a session needs something to compare with.
  grep -qs ^bare "$RESULTS" || [[ " ${tools[*]} " == *" lab "* ]] || tools=(lab "${tools[@]}")
  for tool in "${tools[@]}"; do [[ $(type -t "${tool}_prepare") == function ]] || die "there is no tool '$tool' here"; done
  [[ ! -e $STACK_FILE && ! -e $ROOT/.lab/$STACK ]] || die "there is a stack $STACK already: $STACK_FILE, .lab/$STACK"
  trap remove_all EXIT
  trap 'exit 1' HUP INT TERM
  mkdir -p "$CACHE/home/.ssh"
  [[ -e $KEY ]] || ssh-keygen -q -t ed25519 -N '' -C peers -f "$KEY"
  [[ -e $CACHE/host_key ]] || ssh-keygen -q -t ed25519 -N '' -C peers -f "$CACHE/host_key"
  cp "$FILES/lab/Pulumi.peers.yaml" "$STACK_FILE"
  golden_image
  for tool in "${tools[@]}"; do
    # In a condition bash would go on after a step that fails.
    set +e
    (set -e && "${tool}_prepare") 2> >(tee "$CACHE/$tool.prepare.log" >&2)
    status=$?
    set -e
    if ((status == 0)); then round "$tool"; else say "$tool is skipped: $(tail -n 1 "$CACHE/$tool.prepare.log")"; fi
  done
  table
}

main "$@"
