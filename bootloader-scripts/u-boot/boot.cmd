# The boot decision of drydock for U-Boot.
#
# It decides from the environment of U-Boot itself, which it counts down in and saves before each start. It never asks, never
# looks at other disks, and whatever it finds it ends in a kernel or in a reset. README.md beside this file tells what
# U-Boot has to have, and how to install it.
#
# The shell of U-Boot has no functions, and what `run` could run would be saved with the environment. So there is one loop over
# the steps of the decision. Variables of the shell begin with `ddl_`, those of the environment that are only there while a
# slot is looked at with `ddc_`; an environment that has any of these is not one for drydock. There is no apostrophe in here:
# within a loop it ends the script.

# ---- Settings. `drydock-bundle disk` writes these lines from the configuration of the device. ----

# The disk, as the command `load` of U-Boot names it.
ddl_interface=mmc
ddl_disk=0
# Numbers of the partitions on it, in hexadecimal as U-Boot reads them.
ddl_recovery_a=5
ddl_recovery_b=6
ddl_boot_a=7
ddl_boot_b=8
# Parameters of every kernel. panic: the kernels of Debian never reboot by themselves. gpt_auto: systemd would mount
# partitions behind the back of drydock.
ddl_cmdline="panic=10 systemd.gpt_auto=0"
# What starts a kernel.
ddl_start=booti
# Where kernel and initramfs are loaded to: as the environment of the board has it, with room for what the kernel unpacks
# itself to.
ddl_kernel=$kernel_addr_r
ddl_ramdisk=$ramdisk_addr_r

# ---- The decision ----

# What is loaded leaves its size behind, which is no business of the environment that is saved.
setenv filesize
setenv fileaddr
ddl_bootargs="$bootargs"

# A checksum tells U-Boot that the environment is whole, not that it is from drydock: each variable is checked. An environment
# without dd_copy means copy a.
ddl_valid=yes
ddl_first=a
ddl_second=b
ddl_copies="recovery-a recovery-b"
ddl_others="recovery-b recovery-a"
if test -z "$dd_gen"; then ddl_valid=no; fi
if test "$dd_gen" != "$dd_end"; then ddl_valid=no; fi
if test "$dd_order" != ab; then
  if test "$dd_order" != ba; then ddl_valid=no; fi
fi
if test "$dd_mode" != n; then
  if test "$dd_mode" != r; then ddl_valid=no; fi
fi
if test -n "$dd_copy"; then
  if test "$dd_copy" != a; then
    if test "$dd_copy" != b; then ddl_valid=no; fi
  fi
fi
ddl_digits=
for ddl_digit in 0 1 2 3 4 5 6 7 8 9; do
  if test "$dd_a" = $ddl_digit; then ddl_digits=${ddl_digits}a; fi
  if test "$dd_b" = $ddl_digit; then ddl_digits=${ddl_digits}b; fi
  if test "$dd_r" = $ddl_digit; then ddl_digits=${ddl_digits}r; fi
done
for ddl_letters in abr arb bar bra rab rba; do
  if test "$ddl_digits" = $ddl_letters; then ddl_digits=all; fi
done
if test "$ddl_digits" != all; then ddl_valid=no; fi
if test $ddl_valid = yes; then
  if test "$dd_order" = ba; then
    ddl_first=b
    ddl_second=a
  fi
  if test "$dd_copy" = b; then
    ddl_copies="recovery-b recovery-a"
    ddl_others="recovery-a recovery-b"
  fi
else
  echo "drydock: no valid boot environment"
fi

# intent: recovery, which has a job. first, second: the sets. fallback: recovery, because there is nothing else. last:
# whatever has a whole kernel.
ddl_counted=yes
for ddl_step in intent first second fallback last; do
  ddl_slots=
  ddl_save=no

  # One less than each counter, where there is something to take from.
  ddl_before=none
  ddl_less_a=none
  ddl_less_b=none
  ddl_less_r=none
  for ddl_digit in 0 1 2 3 4 5 6 7 8 9; do
    if test "$dd_a" = $ddl_digit; then ddl_less_a=$ddl_before; fi
    if test "$dd_b" = $ddl_digit; then ddl_less_b=$ddl_before; fi
    if test "$dd_r" = $ddl_digit; then ddl_less_r=$ddl_before; fi
    ddl_before=$ddl_digit
  done

  ddl_try=none
  if test $ddl_valid = yes; then
    if test $ddl_counted = yes; then
      if test $ddl_step = intent; then
        if test "$dd_mode" = r; then
          if test $ddl_less_r != none; then ddl_try=r; fi
        fi
      fi
      if test $ddl_step = first; then ddl_try=$ddl_first; fi
      if test $ddl_step = second; then ddl_try=$ddl_second; fi
      if test $ddl_step = fallback; then
        # dd_r starts of the copy that is first, then one of the other, then from the beginning.
        ddl_save=yes
        if test $ddl_less_r != none; then
          setenv dd_r $ddl_less_r
        else
          setenv dd_r 9
          ddl_copies="$ddl_others"
        fi
      fi
    fi
  else
    # What U-Boot has now may be what is built into it. Saved, drydock can add to it.
    if test $ddl_step = fallback; then ddl_save=yes; fi
  fi
  if test $ddl_try = r; then
    setenv dd_r $ddl_less_r
    ddl_save=yes
    ddl_reason=intent
    ddl_slots="$ddl_copies"
  fi
  if test $ddl_try = a; then
    if test $ddl_less_a != none; then
      setenv dd_a $ddl_less_a
      ddl_save=yes
      ddl_slots=set-a
    fi
  fi
  if test $ddl_try = b; then
    if test $ddl_less_b != none; then
      setenv dd_b $ddl_less_b
      ddl_save=yes
      ddl_slots=set-b
    fi
  fi

  # A start is counted on the disk before it is made. One that cannot be counted is not made: recovery knows more than this
  # script.
  if test $ddl_save = yes; then
    setenv filesize
    setenv fileaddr
    setenv ddc_vmlinuz
    setenv ddc_initramfs
    if saveenv; then true; else
      echo "drydock: the start cannot be counted"
      ddl_counted=no
      ddl_slots=
    fi
  fi
  if test $ddl_step = fallback; then
    ddl_reason=fallback
    ddl_slots="$ddl_copies"
  fi
  if test $ddl_step = last; then ddl_slots="set-$ddl_first set-$ddl_second"; fi

  # Starts the kernel of the first slot that is whole: kernel and initramfs must have the checksums in the own list of the slot.
  for ddl_slot in $ddl_slots; do
    if test $ddl_slot = set-a; then
      ddl_part=$ddl_boot_a
      ddl_what="drydock.set=a"
    fi
    if test $ddl_slot = set-b; then
      ddl_part=$ddl_boot_b
      ddl_what="drydock.set=b"
    fi
    if test $ddl_slot = recovery-a; then
      ddl_part=$ddl_recovery_a
      ddl_what="drydock.recovery drydock.copy=a drydock.reason=$ddl_reason"
    fi
    if test $ddl_slot = recovery-b; then
      ddl_part=$ddl_recovery_b
      ddl_what="drydock.recovery drydock.copy=b drydock.reason=$ddl_reason"
    fi
    echo "drydock: $ddl_slot"
    setenv ddc_vmlinuz
    setenv ddc_initramfs
    if load $ddl_interface ${ddl_disk}:${ddl_part} $ddl_kernel crc32.env; then
      if env import -t $ddl_kernel $filesize ddc_vmlinuz ddc_initramfs; then
        if load $ddl_interface ${ddl_disk}:${ddl_part} $ddl_kernel vmlinuz; then
          ddl_size=$filesize
          if crc32 -v $ddl_kernel $filesize $ddc_vmlinuz; then
            if load $ddl_interface ${ddl_disk}:${ddl_part} $ddl_ramdisk initramfs.cpio.zst; then
              if crc32 -v $ddl_ramdisk $filesize $ddc_initramfs; then
                setenv bootargs "$ddl_cmdline $ddl_what"
                if test $ddl_start = zboot; then
                  zboot $ddl_kernel $ddl_size $ddl_ramdisk $filesize
                else
                  $ddl_start $ddl_kernel ${ddl_ramdisk}:${filesize} $fdtcontroladdr
                fi
                setenv bootargs "$ddl_bootargs"
              fi
            fi
          fi
        fi
      fi
    fi
    echo "drydock: $ddl_slot cannot be started"
  done
done
echo "drydock: nothing can be started; next try in 10 seconds"
sleep 10
reset
