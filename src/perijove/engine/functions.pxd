# Compiled as it stands: functions of octets, which are called by way of a table.
