# shellcheck shell=bash
# A cgroup in every hierarchy of this machine, by its path below the root.

# enter_cgroup PATH: for this process and what it starts; what it is in must be there.
enter_cgroup() {
  local lines line hierarchy folder file
  # In one go, since the text changes with every move.
  mapfile -t lines < /proc/self/cgroup
  for line in "${lines[@]}"; do
    IFS=: read -r _ hierarchy _ <<< "$line"
    folder="/sys/fs/cgroup/${hierarchy#name=}/$1"
    [ -n "$hierarchy" ] && [ -d "${folder%/*}" ] || continue
    mkdir -p "$folder"
    case "$hierarchy" in
      *cpuset*) for file in cpuset.mems cpuset.cpus; do cat "${folder%/*}/$file" > "$folder/$file"; done ;;
    esac
    echo "$BASHPID" > "$folder/cgroup.procs"
  done
}

# is_in_cgroup PID PATH
is_in_cgroup() {
  grep -q ":/$2\$" "/proc/$1/cgroup" 2> /dev/null
}

# remove_cgroup PATH: and all below. The last processes of a killed namespace leave a moment after its first.
remove_cgroup() {
  local folder deadline=$((SECONDS + 20))
  for folder in /sys/fs/cgroup/*/"$1"; do
    while [ -d "$folder" ]; do
      find "$folder" -depth -type d -exec rmdir {} + 2> /dev/null || true
      [ -d "$folder" ] || break
      [ "$SECONDS" -lt "$deadline" ] || return 1
      sleep 0.1
    done
  done
}
